//! Which clicks are ours: those that are not in the songs.

use std::path::Path;

use crate::analysis::ClickFinder;
use crate::audio::splice::Wave as _;
use crate::audio::{AudioBuffer, Reel};
use crate::base::Result;
use crate::mix::{MixPlan, VoiceSpec, voices};
use crate::pipeline::Context;

/// A click of a song may come this much earlier or later in the mix, in seconds: splices move it.
const NEAR: f64 = 0.012;
/// Sound of the song looked at on either side, in seconds.
const AROUND: f64 = 0.15;

/// The clicks of a mix that none of the songs playing then has itself.
///
/// # Errors
/// Where a song cannot be read.
pub fn our_clicks(context: &Context<'_>, plan: &MixPlan, clicks: Vec<f64>) -> Result<Vec<f64>> {
    let (voices, _) = voices(plan);
    let mut ours = Vec::new();
    for click in clicks {
        context.cancel.check()?;
        let frame = (click * plan.rate.as_f64()) as i64;
        let playing = voices.iter().filter(|v| v.start() <= frame && frame < v.end());
        let mut own = false;
        for voice in playing {
            own |= has_click(context, plan, voice, source(voice, frame))?;
        }
        if !own {
            ours.push(click);
        }
    }
    Ok(ours)
}

/// The frame of the track heard at a frame of the mix.
fn source(voice: &VoiceSpec, frame: i64) -> i64 {
    let after = voice.knots.partition_point(|k| k.at <= frame).clamp(1, voice.knots.len() - 1);
    let (a, b) = (voice.knots[after - 1], voice.knots[after]);
    let share = (frame - a.at) as f64 / (b.at - a.at).max(1) as f64;
    a.source + ((b.source - a.source) as f64 * share) as i64
}

fn has_click(context: &Context<'_>, plan: &MixPlan, voice: &VoiceSpec, at: i64) -> Result<bool> {
    let path = Path::new(&plan.tracks[voice.track].path);
    let mut reel = Reel::open(path, context.limits, plan.rate)?;
    let frames = |seconds: f64| (seconds * plan.rate.as_f64()) as i64;
    let start = (at - frames(AROUND)).max(0);
    let mut sound = AudioBuffer::default();
    reel.read(start..at + frames(AROUND), &mut sound)?;
    let near = |click: u64| (start + click as i64 - at).abs() <= frames(NEAR);
    Ok(sound.planes.iter().any(|plane| {
        let mut finder = ClickFinder::suspicious();
        finder.push(plane);
        finder.finish().into_iter().any(near)
    }))
}
