//! Layers of the context network: products with matrices that are laid out for the processor once.

use rten_gemm::{BiasVector, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_tensor::NdTensorView;

use crate::base::Result;
use crate::separation::safetensors::Tensors;

/// What multiplies, on the fastest instructions this processor has.
pub type Multiplier = GemmExecutor;

/// A layer: `x * weight + bias`, one column an output.
pub struct Layer {
    weight: PackedBMatrix<f32>,
    /// As long as the outputs, or empty.
    bias: Vec<f32>,
}

impl Layer {
    /// A layer of these weights, one row an output, as files keep them; each row is `stride` long,
    /// of which `inputs` numbers from `from` on are taken.
    pub fn of_part(weights: &[f32], stride: usize, from: usize, inputs: usize) -> Self {
        let rows = weights.chunks_exact(stride).flat_map(|row| &row[from..from + inputs]);
        let rows: Vec<f32> = rows.copied().collect();
        let weight = NdTensorView::from_data([rows.len() / inputs, inputs], rows.as_slice());
        Layer { weight: Multiplier::new().prepack_b(weight.transposed()), bias: Vec::new() }
    }

    /// The layer of a name in a file.
    ///
    /// # Errors
    /// `Corrupt` where it is missing or has another shape.
    pub fn read(tensors: &Tensors<'_>, name: &str, inputs: usize, outputs: usize) -> Result<Self> {
        let weights = tensors.take(&format!("{name}.weight"), &[outputs, inputs])?;
        let bias = tensors.take(&format!("{name}.bias"), &[outputs])?;
        Ok(Layer::of_part(&weights, inputs, 0, inputs).with_bias(bias))
    }

    /// The layer with a bias.
    pub fn with_bias(self, bias: Vec<f32>) -> Self {
        Layer { bias, ..self }
    }

    /// Writes what the layer makes of `x`, rows of its inputs.
    pub fn write(&self, multiplier: &Multiplier, x: &[f32], out: &mut Vec<f32>) {
        out.clear();
        out.resize(x.len() / self.weight.rows() * self.weight.cols(), 0.0);
        self.product(multiplier, x, 0.0, out);
    }

    /// Adds what the layer makes of `x`.
    pub fn add(&self, multiplier: &Multiplier, x: &[f32], out: &mut [f32]) {
        self.product(multiplier, x, 1.0, out);
    }

    fn product(&self, multiplier: &Multiplier, x: &[f32], beta: f32, out: &mut [f32]) {
        let inputs = self.weight.rows();
        debug_assert_eq!(out.len(), x.len() / inputs * self.weight.cols());
        let x = NdTensorView::from_data([x.len() / inputs, inputs], x);
        let bias = (!self.bias.is_empty()).then_some(BiasVector::Row(&self.bias));
        let options = GemmOptions { beta, bias, ..GemmOptions::default() };
        multiplier
            .gemm(out, GemmInputA::Unpacked(x), GemmInputB::Packed(&self.weight), options)
            .expect("rows of the layer's inputs, and room for as many of its outputs");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two inputs beside one that is left out, three outputs.
    const WEIGHTS: [f32; 9] = [9.0, 1.0, 2.0, 9.0, 3.0, 4.0, 9.0, 5.0, 6.0];

    #[test]
    fn a_layer_is_a_product_and_a_bias_written_or_added() {
        let layer = Layer::of_part(&WEIGHTS, 3, 1, 2).with_bias(vec![0.5, 0.0, -0.5]);
        let (multiplier, mut out) = (Multiplier::new(), vec![7.0]);
        layer.write(&multiplier, &[1.0, 0.0, 1.0, 10.0], &mut out);
        assert_eq!(out, [1.5, 3.0, 4.5, 21.5, 43.0, 64.5]);
        Layer::of_part(&WEIGHTS, 3, 1, 2).add(&multiplier, &[0.0, 1.0, 0.0, 0.0], &mut out);
        assert_eq!(out, [3.5, 7.0, 10.5, 21.5, 43.0, 64.5]);
    }
}
