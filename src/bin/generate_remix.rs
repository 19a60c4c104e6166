//! `generate_remix`: the same as `remix generate-remix`.

mod hand_over;

fn main() -> std::process::ExitCode {
    hand_over::hand_over("generate-remix")
}
