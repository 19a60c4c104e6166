use super::super::fixtures::song;
use super::*;

fn names(actions: &[Action]) -> Vec<&'static str> {
    actions.iter().map(Action::name).collect()
}

#[test]
fn a_mix_goes_on_after_a_track_that_is_too_short() {
    let policy = Policy::Capsule { stay: Seconds(8.0), transition: Seconds(8.0) };
    let mut mixer = Mixer::new(policy);
    assert_eq!(mixer.cursor(), None);
    assert_eq!(names(&mixer.add(0, &song(120.0, 60.0)).unwrap()), ["FadeIn", "Playback"]);
    let cursor = mixer.cursor();
    let error = mixer.add(1, &song(120.0, 24.0)).unwrap_err();
    assert_eq!((error.kind(), mixer.cursor()), (ErrorKind::Unusable, cursor));
    let next = mixer.add(2, &song(124.0, 60.0)).unwrap();
    assert_eq!((names(&next), next[0].tracks()), (vec!["Crossmatch", "Playback"], (0, 2)));
    assert_eq!(mixer.finish().map(|end| end.tracks()), Some((2, 2)));
    assert_eq!(Mixer::new(policy).finish(), None);
}

#[test]
fn a_track_must_be_longer_than_its_stay_and_two_transitions() {
    let track = song(120.0, 24.0);
    let (stay, transition) = (Seconds(8.0), Seconds(8.0));
    assert_eq!(track.span(), Seconds(24.0));
    assert!(!Policy::Capsule { stay, transition }.admits(&track));
    assert!(Policy::Capsule { stay: Seconds(7.9), transition }.admits(&track));
    assert!(!Policy::Forever { transition: Seconds(12.0) }.admits(&track));
    assert!(Policy::Forever { transition: Seconds(11.9) }.admits(&track));
}

#[test]
fn on_the_radio_of_two_tracks_as_much_is_heard_as_of_the_shorter_one() {
    let policy = Policy::Forever { transition: Seconds(10.0) };
    for (first, second, stay) in [(100.0, 60.0, 30.0), (60.0, 100.0, 30.0)] {
        let mut mixer = Mixer::new(policy);
        let [_, alone] = mixer.add(0, &song(120.0, first)).unwrap();
        assert!((alone.duration().0 - (first - 30.0)).abs() < 1e-9);
        let [_, alone] = mixer.add(1, &song(120.0, second)).unwrap();
        let length = alone.duration().0;
        assert!((stay..stay + 0.5).contains(&length), "{length}");
    }
    // Shorter than three transitions: no time alone, and no negative one.
    let [fade, alone] = Mixer::new(policy).add(0, &song(120.0, 25.0)).unwrap();
    assert_eq!((fade.duration(), alone.duration()), (Seconds(10.0), Seconds(0.0)));
}

#[test]
fn a_plan_counts_the_tracks_as_they_were_given() {
    let tracks = [song(125.0, 60.0), song(122.0, 10.0), song(119.0, 60.0)];
    let policy = Policy::Capsule { stay: Seconds(8.0), transition: Seconds(8.0) };
    let plan = plan(&tracks, Request { policy, order: true, equalize: false }).unwrap();
    assert_eq!((plan.order, plan.rejected), (vec![2, 1, 0], vec![1]));
    let met: Vec<(usize, usize)> = plan.actions.iter().map(Action::tracks).collect();
    assert_eq!(met, [(2, 2), (2, 2), (2, 0), (0, 0), (0, 0)]);
    assert_eq!((plan.gains, plan.cursors.len()), (vec![None; 3], 2));
}
