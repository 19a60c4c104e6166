//! `forever score`

use super::check_page;
use crate::base::Result;
use crate::cli::exit::Exit;
use crate::cli::forever_args::ScoreArgs;
use crate::cli::settings::Overrides;
use crate::cli::world::World;
use crate::forever::{read_plan, score_mix};
use crate::mix::{Score, TransitionScore};
use crate::report::mix_page;
use crate::store::write_atomic;

pub fn run(world: &World<'_>, args: &ScoreArgs) -> Result<Exit> {
    check_page(args.report.as_deref(), &args.mix)?;
    let settings = world.settings(Overrides::default())?;
    let context = world.context(&settings);
    let beside = args.mix.with_extension("plan.json");
    let plan = read_plan(&context, args.plan.as_ref().unwrap_or(&beside))?;
    let score = score_mix(&context, &plan, &args.mix)?;
    if let Some(page) = &args.report {
        write_atomic(context.fs, page, mix_page(&plan, Some(&score)).as_bytes())?;
    }
    if world.common.json {
        let files: Vec<_> = args.report.iter().collect();
        let object = serde_json::json!({ "schema": 1, "files": files, "score": score });
        crate::cli::print(&format!("{object}\n"));
    } else {
        crate::cli::print(&table(&score));
    }
    Ok(Exit::OK)
}

fn table(score: &Score) -> String {
    let mut lines: Vec<String> = vec![
        "      at  method      beats ms (p95)  pulse %  tempo %/bar  level LU  key  songs".into(),
    ];
    lines.extend(score.transitions.iter().map(row));
    let ms = |v: Option<f64>| v.map_or("-".into(), |v| format!("{v:.1} ms"));
    let lu = |v: Option<f64>| v.map_or("-".into(), |v| format!("{v:.1} LU"));
    lines.push(format!(
        "beats apart: median {}, 95 % within {}",
        ms(score.alignment_median_ms),
        ms(score.alignment_p95_ms)
    ));
    lines.push(format!(
        "level steps: median {}, worst {}; {:.1} LUFS, true peak {:.2} dBTP, clicks: {}",
        lu(score.loudness_step_median),
        lu(score.loudness_step_worst),
        score.loudness,
        score.true_peak,
        score.clicks.len()
    ));
    lines.join("\n") + "\n"
}

fn row(t: &TransitionScore) -> String {
    let number = |v: Option<f64>| v.map_or("-".into(), |v| format!("{v:.1}"));
    let start = crate::base::Seconds(t.start).to_string();
    let beats = match (t.alignment_median_ms, t.alignment_p95_ms) {
        (Some(median), Some(p95)) => format!("{median:.1} ({p95:.1})"),
        _ => "-".into(),
    };
    format!(
        "{start:>8}  {:<10}  {beats:>14}  {:>7}  {:>11}  {:>+8.1}  {:>3}  {} > {}",
        t.method,
        number(t.pulse_deviation),
        number(t.tempo_step),
        t.loudness_step,
        t.key_steps.map_or("?".into(), |k| k.to_string()),
        t.from,
        t.to
    )
}
