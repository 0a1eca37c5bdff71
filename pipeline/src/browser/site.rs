//! A few files served to a browser on this machine: a benchmark's page, an example.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// A file: its path in the URL, its type, its text.
pub type File = (&'static str, &'static str, &'static str);

/// What a request may be long.
const MOST: u64 = 64 << 10;

/// Serves files on a free port until the program ends. Pages of `http://localhost` may do all that those of `https:` may.
pub fn serve(files: &'static [File]) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    std::thread::Builder::new().name("site".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever asks badly gets nothing.
            let _ = answer(&stream, files);
        }
    })?;
    Ok(address)
}

fn answer(mut stream: &TcpStream, files: &[File]) -> io::Result<()> {
    // A browser opens connections that it may need later; nobody else waits for them.
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    let mut line = String::new();
    let mut request = BufReader::new(stream.take(MOST));
    request.read_line(&mut line)?;
    let path = line.split_whitespace().nth(1).unwrap_or("/");
    let path = path.split('?').next().unwrap_or("/").to_owned();
    while request.read_line(&mut line)? > 2 {}
    let (status, kind, body) = match files.iter().find(|(name, _, _)| *name == path) {
        Some((_, kind, body)) => ("200 OK", *kind, *body),
        None => ("404 Not Found", "text/plain", ""),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
