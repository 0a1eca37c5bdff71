//! The program's arguments, and the way from them to a command.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{bench, demo, doctor, inspect, pipe, record, run, send, serve, soak, top, verify};

/// Raw audio and video from many processes to one, over shared memory.
#[derive(Debug, Parser)]
#[command(name = "frame-ring", version, about, subcommand_required = true, arg_required_else_help = true)]
#[command(
    after_help = "Start with:  frame-ring demo\n\nExit codes: 0 done, 1 failed, 2 wrong arguments, 3 checked and found wrong"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Send(send::Args),
    Record(record::Args),
    Pipe(pipe::Args),
    Verify(verify::Args),
    Run(run::Args),
    Serve(serve::Args),
    Top(top::Args),
    Inspect(inspect::Args),
    Doctor(doctor::Args),
    Bench(bench::Args),
    Soak(soak::Args),
    #[command(hide = true)]
    Capture(demo::capture::Args),
    #[command(hide = true)]
    SoakProducer(soak::produce::Args),
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    main_with(&[])
}

/// The same, with more transports for `bench` to compare.
pub fn main_with(rivals: &'static [bench::Transport]) -> ExitCode {
    let done = match parse(rivals).command {
        Command::Demo(args) => demo::run(args),
        Command::Send(args) => send::run(args),
        Command::Record(args) => record::run(args),
        Command::Pipe(args) => pipe::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Run(args) => run::run(args),
        Command::Serve(args) => serve::run(&args),
        Command::Top(args) => top::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Bench(args) => bench::run(args, rivals),
        Command::Soak(args) => soak::run(args),
        Command::Capture(args) => demo::capture::run(args),
        Command::SoakProducer(args) => soak::produce::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("frame-ring: {why}");
            why.exit_code()
        }
    }
}

fn parse(rivals: &'static [bench::Transport]) -> Cli {
    let transports = bench::parser(bench::OWN.iter().chain(rivals));
    let command = Cli::command()
        .mut_subcommand("bench", |bench| bench.mut_arg("transports", |list| list.value_parser(transports)));
    Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|why| why.exit())
}
