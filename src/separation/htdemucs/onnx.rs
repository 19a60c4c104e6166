//! Writing a network as an ONNX model: the few parts of the format that are needed.
//!
//! Weights do not go into the model but into a buffer beside it, which the engine reads in place.

/// The name under which the engine finds the buffer of weights.
pub const WEIGHTS: &str = "weights.data";
/// The version of ONNX's set of operators.
const OPERATORS: u64 = 23;
/// The version of the format itself.
const FORMAT: u64 = 10;
const FLOAT: u64 = 1;
const INT64: u64 = 7;
/// Weights begin at multiples of so many bytes, as vector instructions like them.
const ALIGN: usize = 64;

/// A value in the network: the name it has in the model.
pub type Id = String;

/// A setting of an operator.
pub enum Setting<'a> {
    /// A whole number.
    Int(&'a str, i64),
    /// Whole numbers.
    Ints(&'a str, &'a [usize]),
}

/// A network being written.
#[derive(Default)]
pub struct Onnx {
    nodes: Vec<u8>,
    tensors: Vec<u8>,
    inputs: Vec<u8>,
    outputs: Vec<u8>,
    weights: Vec<u8>,
    named: usize,
}

impl Onnx {
    /// A network whose weights take about so many bytes.
    pub fn new(weights: usize) -> Self {
        Onnx { weights: Vec::with_capacity(weights), ..Onnx::default() }
    }

    /// Adds an input.
    pub fn input(&mut self, name: &str, shape: &[usize]) -> Id {
        bytes(&mut self.inputs, 11, &value(name, shape));
        name.to_string()
    }

    /// Makes a value an output, under a name of its own.
    pub fn output(&mut self, from: &str, name: &str, shape: &[usize]) {
        let node = node("Identity", &[from], &[name.to_string()], &[]);
        bytes(&mut self.nodes, 1, &node);
        bytes(&mut self.outputs, 12, &value(name, shape));
    }

    /// Adds an operator with one result.
    pub fn op(&mut self, op: &str, inputs: &[&str], settings: &[Setting<'_>]) -> Id {
        let out = self.name();
        bytes(&mut self.nodes, 1, &node(op, inputs, std::slice::from_ref(&out), settings));
        out
    }

    /// Adds the operator that cuts a value into halves along an axis.
    pub fn halves(&mut self, from: &str, axis: usize) -> (Id, Id) {
        let (a, b) = (self.name(), self.name());
        let settings = [Setting::Int("axis", axis as i64), Setting::Int("num_outputs", 2)];
        bytes(&mut self.nodes, 1, &node("Split", &[from], &[a.clone(), b.clone()], &settings));
        (a, b)
    }

    /// Adds weights.
    pub fn weights(&mut self, shape: &[usize], values: &[f32]) -> Id {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        self.weights.resize(self.weights.len().next_multiple_of(ALIGN), 0);
        let offset = self.weights.len();
        self.weights.resize(offset + 4 * values.len(), 0);
        let places = self.weights[offset..].as_chunks_mut().0;
        places.iter_mut().zip(values).for_each(|(place, x)| *place = x.to_le_bytes());
        let name = self.name();
        let mut tensor = tensor(&name, shape, FLOAT);
        let place = [
            ("location", WEIGHTS.to_string()),
            ("offset", offset.to_string()),
            ("length", (4 * values.len()).to_string()),
        ];
        for (key, text) in place {
            let mut entry = Vec::new();
            bytes(&mut entry, 1, key.as_bytes());
            bytes(&mut entry, 2, text.as_bytes());
            bytes(&mut tensor, 13, &entry);
        }
        number(&mut tensor, 14, 1);
        bytes(&mut self.tensors, 5, &tensor);
        name
    }

    /// Gives a value another shape.
    pub fn reshape(&mut self, from: &str, shape: &[usize]) -> Id {
        let name = self.name();
        let mut tensor = tensor(&name, &[shape.len()], INT64);
        let raw: Vec<u8> = shape.iter().flat_map(|&n| (n as u64).to_le_bytes()).collect();
        bytes(&mut tensor, 9, &raw);
        bytes(&mut self.tensors, 5, &tensor);
        self.op("Reshape", &[from, &name], &[])
    }

    /// Orders the axes of a value anew.
    pub fn transpose(&mut self, from: &str, order: &[usize]) -> Id {
        self.op("Transpose", &[from], &[Setting::Ints("perm", order)])
    }

    /// The model, and the weights it refers to.
    pub fn finish(self) -> (Vec<u8>, Vec<u8>) {
        let mut graph = self.nodes;
        bytes(&mut graph, 2, b"htdemucs");
        graph.extend(self.tensors);
        graph.extend(self.inputs);
        graph.extend(self.outputs);
        let mut set = Vec::new();
        bytes(&mut set, 1, b"");
        number(&mut set, 2, OPERATORS);
        let mut model = Vec::new();
        number(&mut model, 1, FORMAT);
        bytes(&mut model, 7, &graph);
        bytes(&mut model, 8, &set);
        (model, self.weights)
    }

    fn name(&mut self) -> Id {
        self.named += 1;
        format!("v{}", self.named)
    }
}

fn node(op: &str, inputs: &[&str], outputs: &[Id], settings: &[Setting<'_>]) -> Vec<u8> {
    let mut node = Vec::new();
    inputs.iter().for_each(|name| bytes(&mut node, 1, name.as_bytes()));
    outputs.iter().for_each(|name| bytes(&mut node, 2, name.as_bytes()));
    bytes(&mut node, 4, op.as_bytes());
    for setting in settings {
        let mut attribute = Vec::new();
        match setting {
            Setting::Int(name, n) => {
                bytes(&mut attribute, 1, name.as_bytes());
                number(&mut attribute, 3, *n as u64);
                number(&mut attribute, 20, 2);
            }
            Setting::Ints(name, list) => {
                bytes(&mut attribute, 1, name.as_bytes());
                list.iter().for_each(|&n| number(&mut attribute, 8, n as u64));
                number(&mut attribute, 20, 7);
            }
        }
        bytes(&mut node, 5, &attribute);
    }
    node
}

fn tensor(name: &str, shape: &[usize], kind: u64) -> Vec<u8> {
    let mut tensor = Vec::new();
    shape.iter().for_each(|&n| number(&mut tensor, 1, n as u64));
    number(&mut tensor, 2, kind);
    bytes(&mut tensor, 8, name.as_bytes());
    tensor
}

/// What an input or output is called and how large it is.
fn value(name: &str, shape: &[usize]) -> Vec<u8> {
    let (mut dims, mut kind, mut about, mut value) =
        <(Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>)>::default();
    for &n in shape {
        let mut dim = Vec::new();
        number(&mut dim, 1, n as u64);
        bytes(&mut dims, 1, &dim);
    }
    number(&mut kind, 1, FLOAT);
    bytes(&mut kind, 2, &dims);
    bytes(&mut about, 1, &kind);
    bytes(&mut value, 1, name.as_bytes());
    bytes(&mut value, 2, &about);
    value
}

/// A field of Protocol Buffers that holds a number.
fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

/// A field of Protocol Buffers that holds bytes, text or a message.
fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
