//! `frame-ring soak-producer`, hidden: a producer process of the soak, from inside.
//!
//! One thread makes all frames, so that there is at most one frame in flight when the process is killed; another one
//! listens for orders.

use std::io::{self, BufRead};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

use frame_ring::Producer;

use super::feed::{Feed, Studio};
use super::formats::{self, PARTS};
use super::random::Random;
use super::stamp::Pattern;
use super::wire::{Order, Reply, TrackEnd};
use crate::commands::output::print_json;
use crate::error::CliError;

/// Orders wait for so long at most.
const TICK: Duration = Duration::from_millis(10);

/// Be a producer process of the soak
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long)]
    label: String,
    #[arg(long)]
    launch: u32,
    /// The first participant
    #[arg(long)]
    first: u16,
    /// How many there are
    #[arg(long)]
    count: u16,
    #[arg(long)]
    seed: u64,
}

/// Runs the command.
pub fn run(args: Args) -> Result<(), CliError> {
    let orders = listen();
    // SAFETY: the soak has started this process with an invitation, and nothing has taken it up yet.
    let producer = unsafe { Producer::from_env(&args.label) };
    let producer = producer.map_err(|why| CliError::failed("connect to the ring", why))?;
    let studio = Studio {
        producer,
        pattern: Pattern::new(formats::longest()),
        random: Random::new(args.seed),
        launch: args.launch,
        serial: 0,
    };
    let people = (args.first..args.first + args.count).map(Participant::away).collect();
    let mut cast = Cast { studio, people, burst: None };
    cast.open_all()?;
    print_json(&Reply::Ready)?;
    loop {
        match orders.try_recv() {
            Ok(Order::Leave) => return cast.leave(),
            Ok(order) => cast.obey(order)?,
            Err(TryRecvError::Empty) => cast.play()?,
            // The soak is gone, and with it whoever received.
            Err(TryRecvError::Disconnected) => return Ok(()),
        }
    }
}

fn listen() -> Receiver<Order> {
    let (orders, received) = mpsc::channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(order) = serde_json::from_str(&line) else { return };
            if orders.send(order).is_err() {
                return;
            }
        }
    });
    received
}

#[derive(Debug)]
struct Participant {
    number: u16,
    incarnation: u32,
    /// Empty while away.
    feeds: Vec<Feed>,
}

impl Participant {
    fn away(number: u16) -> Self {
        Self { number, incarnation: 0, feeds: Vec::new() }
    }

    fn come(&mut self, studio: &mut Studio) -> Result<(), CliError> {
        let now = Instant::now();
        for part in 0..PARTS as u8 {
            self.feeds.push(Feed::open(studio, self.number, part, self.incarnation, now)?);
        }
        self.incarnation += 1;
        Ok(())
    }

    fn go(&mut self) -> Result<(), CliError> {
        let ends: Result<Vec<TrackEnd>, CliError> = self.feeds.drain(..).map(Feed::end).collect();
        print_json(&Reply::Gone(self.number, ends?))
    }
}

#[derive(Debug)]
struct Cast {
    studio: Studio,
    people: Vec<Participant>,
    /// How many times as fast as usual, and until when.
    burst: Option<(u32, Instant)>,
}

impl Cast {
    fn open_all(&mut self) -> Result<(), CliError> {
        self.people.iter_mut().try_for_each(|participant| participant.come(&mut self.studio))
    }

    fn obey(&mut self, order: Order) -> Result<(), CliError> {
        let participant = |people: &mut Vec<Participant>, number| {
            people.iter().position(|participant: &Participant| participant.number == number)
        };
        match order {
            Order::Away(number) => match participant(&mut self.people, number) {
                Some(at) => self.people[at].go(),
                None => Ok(()),
            },
            Order::Back(number) => match participant(&mut self.people, number) {
                Some(at) => {
                    self.people[at].come(&mut self.studio)?;
                    print_json(&Reply::Here(number))
                }
                None => Ok(()),
            },
            Order::Burst { times, ms } => {
                self.burst = Some((times.max(1), Instant::now() + Duration::from_millis(ms)));
                Ok(())
            }
            // Ends the loop that obeys.
            Order::Leave => Ok(()),
        }
    }

    /// Sends all that is due and sleeps until something is due again, or for a tick.
    fn play(&mut self) -> Result<(), CliError> {
        let now = Instant::now();
        let times = self.burst.filter(|(_, until)| now < *until).map_or(1, |(times, _)| times);
        let mut next = now + TICK;
        for feed in self.people.iter_mut().flat_map(|participant| &mut participant.feeds) {
            if feed.due() <= now {
                feed.send(&mut self.studio, now, times)?;
            }
            next = next.min(feed.due());
        }
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        Ok(())
    }

    fn leave(&mut self) -> Result<(), CliError> {
        // Participants that are away have said so.
        let mut present = self.people.iter_mut().filter(|participant| !participant.feeds.is_empty());
        present.try_for_each(Participant::go)
    }
}
