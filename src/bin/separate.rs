//! `separate`: the same as `remix separate`.

mod hand_over;

fn main() -> std::process::ExitCode {
    hand_over::hand_over("separate")
}
