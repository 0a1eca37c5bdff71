//! A producer killed behind every instruction of every scene.
//!
//! Every kill is an attempt of its own: a new process joins the ring, which has been alive all the time, and is stepped
//! to the instruction. What must hold then does not depend on the instruction; only whether the victim's frame arrives
//! does, and that is known from its slot's word at the moment of its death.

use crate::report;
use crate::scene::Scene;
use crate::stage::Stage;
use crate::stepper::{note, stride, Step, Traced};

/// What the others do while the victim stands still at its last instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// The second producer sends and the consumer receives.
    Work,
    /// The second producer sends, and the consumer looks at nothing before the victim is buried.
    Send,
    /// Nobody does anything before the victim is buried, so that nobody makes good for what it leaves undone: a `tail` to
    /// move, a consumer to wake.
    Rest,
}

#[test]
fn killed_in_claim_fill_commit() {
    everywhere(Scene::Send);
}

#[test]
fn killed_in_claim_abort() {
    everywhere(Scene::Abort);
}

#[test]
fn killed_while_it_wakes_a_consumer_on_the_futex() {
    everywhere(Scene::WakeFutex);
}

#[test]
fn killed_while_it_wakes_a_consumer_on_the_eventfd() {
    everywhere(Scene::WakeEventFd);
}

#[test]
fn killed_in_a_claim_that_needs_a_pad() {
    everywhere(Scene::Pad);
}

#[test]
fn killed_while_it_helps_another_claimant() {
    everywhere(Scene::Help);
}

#[test]
fn killed_before_there_is_room() {
    everywhere(Scene::Wait);
}

/// Kills a producer at every instruction of a scene, on one ring.
fn everywhere(scene: Scene) {
    let mut play = Play { stage: Stage::new(), scene, seed: 0, first: None };
    let whole = play.attempt(usize::MAX, Others::Work);
    assert!(whole.ended && whole.delivered == scene.commits());
    let stride = stride(whole.steps);
    let mut points = 0;
    // The longest scene takes turns, the others are played in every way at each instruction. Not where most instructions
    // are left out anyway: too few would remain behind the deed.
    let (ways, every): (&[_], _) = match scene {
        Scene::Send | Scene::Abort => (&[(Others::Work, 0), (Others::Send, 0), (Others::Rest, 0)], stride),
        Scene::Wait if stride == 1 => (&[(Others::Work, 0), (Others::Rest, stride)], 2 * stride),
        _ => (&[(Others::Work, 0), (Others::Rest, 0)], stride),
    };
    for (others, first) in ways.iter().copied() {
        let mut delivered = 0;
        for steps in (first..).step_by(every) {
            let attempt = play.attempt(steps, others);
            points += 1;
            delivered += usize::from(attempt.delivered);
            if attempt.ended {
                assert_eq!(attempt.delivered, scene.commits(), "the deed was done");
                // Where the ring stands decides over a few instructions: not all attempts have the same number.
                if steps >= whole.steps {
                    break;
                }
            }
            assert!(steps > 0 || !attempt.delivered, "nothing was done yet");
        }
        assert_eq!(delivered > 1, scene.commits());
    }
    play.stage.reuse(play.first.expect("somebody died"));
    report(format_args!(
        "producer, {scene:?}: {} instructions, {points} kills, {}",
        whole.steps,
        note(stride)
    ));
}

/// What an attempt has shown.
struct Attempt {
    steps: usize,
    /// The mark came first: there are no more instructions.
    ended: bool,
    /// The victim's frame arrived.
    delivered: bool,
}

/// A scene that is played again and again on one ring.
struct Play {
    stage: Stage,
    scene: Scene,
    seed: u64,
    /// The first id that a victim had.
    first: Option<u8>,
}

impl Play {
    fn attempt(&mut self, most: usize, others: Others) -> Attempt {
        let (mut victim, id) = self.start(self.scene.role());
        self.first.get_or_insert(id);
        let claimant = self.arrange();
        let (steps, ended) = self.step(&mut victim, most);

        let committed = self.stage.has_committed(id);
        match others {
            Others::Work => self.others_work(),
            Others::Send => self.stage.other_sends(),
            Others::Rest => {}
        }
        victim.kill();
        if others != Others::Rest {
            self.stage.other_sends();
        }
        self.stage.await_burial(id);
        if self.stage.has_sleeper() && committed {
            // Nobody but the burial can have woken the consumer if the victim has not.
            self.stage.wake_up();
            assert!(!self.stage.is_owed(id));
        }
        if others == Others::Rest && !self.stage.has_sleeper() {
            self.stage.receive_all();
        }
        self.others_work();
        if let Some((claimant, id)) = claimant {
            self.end_of_claimant(claimant, id, steps % 2 == 0);
        }

        let delivered = !self.stage.is_owed(id);
        assert_eq!(
            delivered, committed,
            "{:?}, {steps} steps: committed frames arrive, others never",
            self.scene
        );
        self.stage.forgive(id);
        self.stage.is_whole();
        Attempt { steps, ended, delivered }
    }

    /// Starts a process that stands at its first mark.
    fn start(&mut self, role: &str) -> (Traced, u8) {
        self.seed += 1;
        let (traced, id) = Traced::invited(self.stage.ring(), "victim", &format!("{role} {}", self.seed));
        let id = id.parse().expect("an id");
        self.stage.expect(id, self.seed);
        (traced, id)
    }

    /// Makes the ring what the scene needs; the other claimant, if it needs one.
    fn arrange(&mut self) -> Option<(Traced, u8)> {
        match self.scene {
            Scene::Send | Scene::Abort => {}
            Scene::WakeFutex => self.stage.put_to_sleep(false),
            Scene::WakeEventFd => self.stage.put_to_sleep(true),
            Scene::Pad => self.stage.make_a_pad_necessary(),
            Scene::Wait => self.stage.fill(),
            Scene::Help => {
                let (mut claimant, id) = self.start("send");
                while !self.stage.is_between_the_steps_of_a_claim() {
                    assert_eq!(claimant.step(), Step::On);
                }
                return Some((claimant, id));
            }
        }
        None
    }

    fn step(&mut self, victim: &mut Traced, most: usize) -> (usize, bool) {
        for steps in 0..most {
            // Once the ring has room again nobody sleeps.
            let step = if self.stage.is_full() { victim.step_or_sleep() } else { victim.step() };
            match step {
                Step::On => {}
                // To sleep and to be woken are two steps.
                Step::Asleep if steps + 1 < most => self.stage.release(),
                Step::Asleep => {}
                Step::Marked => return (steps, true),
            }
        }
        (most, false)
    }

    /// The second producer sends, and the consumer receives.
    fn others_work(&mut self) {
        self.stage.other_sends();
        if self.stage.has_sleeper() {
            self.stage.wake_up();
        }
        self.stage.receive_all();
    }

    /// Another claimant, stopped between the two steps of its claim until now, goes on or dies, too.
    fn end_of_claimant(&mut self, mut claimant: Traced, id: u8, goes_on: bool) {
        if goes_on {
            claimant.run();
            self.stage.receive_all();
            assert!(!self.stage.is_owed(id), "its frame arrives");
        }
        claimant.kill();
        self.stage.await_burial(id);
        self.stage.receive_all();
        assert_eq!(self.stage.is_owed(id), !goes_on, "what was not committed never arrives");
        self.stage.forgive(id);
    }
}
