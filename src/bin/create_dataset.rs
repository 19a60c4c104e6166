//! `create_dataset`: the same as `remix create-dataset`.

mod hand_over;

fn main() -> std::process::ExitCode {
    hand_over::hand_over("create-dataset")
}
