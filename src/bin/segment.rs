//! `segment`: the same as `remix segment`.

mod hand_over;

fn main() -> std::process::ExitCode {
    hand_over::hand_over("segment")
}
