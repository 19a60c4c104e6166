//! `fit_nearest_neighbours`: the same as `remix fit-nearest-neighbours`.

mod hand_over;

fn main() -> std::process::ExitCode {
    hand_over::hand_over("fit-nearest-neighbours")
}
