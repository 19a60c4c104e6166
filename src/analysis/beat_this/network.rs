//! The network itself, as an ONNX or RTen file run by `rten`.

use rten::{Model, NodeId, Value};

use super::Logits;
use super::mel::BANDS;
use crate::base::{Error, ErrorKind, Result};

/// What the exporters call the ends of the network.
const INPUT: &[&str] = &["spectrogram"];
const BEAT: &[&str] = &["beat", "beat_logits"];
const DOWNBEAT: &[&str] = &["downbeat", "downbeat_logits"];

/// A loaded network.
pub struct Network {
    model: Model,
    input: NodeId,
    beat: NodeId,
    downbeat: NodeId,
}

impl Network {
    /// Loads the content of an ONNX or RTen file.
    ///
    /// # Errors
    /// `Missing` where it is no network of this kind.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Network> {
        let model = Model::load(bytes).map_err(|e| unfit(e.to_string()))?;
        let node = |names: &[&str]| {
            let found = names.iter().find_map(|name| model.find_node(name));
            found.ok_or_else(|| unfit(format!("nothing in it is called `{}`", names[0])))
        };
        let (input, beat, downbeat) = (node(INPUT)?, node(BEAT)?, node(DOWNBEAT)?);
        Ok(Network { model, input, beat, downbeat })
    }

    /// The logits of a chunk: [`BANDS`] values for each of its columns, side by side.
    pub(super) fn logits(&self, chunk: Vec<f32>) -> Result<Logits> {
        let columns = chunk.len() / BANDS;
        let failed = |e: &dyn std::fmt::Display| unfit(e.to_string());
        let input = Value::from_shape([1, columns, BANDS], chunk).map_err(|e| failed(&e))?;
        let answers = self
            .model
            .run(vec![(self.input, input.into())], &[self.beat, self.downbeat], None)
            .map_err(|e| failed(&e))?;
        let mut lists = answers.into_iter().map(|answer| {
            let list = answer.into_tensor::<f32>().map(|tensor| tensor.into_data());
            list.filter(|list| list.len() == columns)
                .ok_or_else(|| unfit("it does not answer with one number a column"))
        });
        match (lists.next(), lists.next()) {
            (Some(beat), Some(downbeat)) => Ok(Logits { beat: beat?, downbeat: downbeat? }),
            _ => Err(unfit("it does not answer")),
        }
    }
}

fn unfit(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Missing, "not a beat_this network")
        .because(why)
        .hint("export the published weights to ONNX, or use --beat-tracker evermix")
}
