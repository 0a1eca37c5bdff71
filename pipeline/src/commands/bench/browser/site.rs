//! The benchmark's page, served on this machine.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

const FILES: [(&str, &str, &str); 4] = [
    ("/", "text/html", include_str!("../../../../../benches/browser/page.html")),
    ("/page.js", "text/javascript", include_str!("../../../../../benches/browser/page.js")),
    ("/worker.js", "text/javascript", include_str!("../../../../../benches/browser/worker.js")),
    ("/frame-ring.js", "text/javascript", include_str!("../../../../../js/dist/frame-ring.js")),
];

/// Serves the page until the program ends.
pub fn serve() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    std::thread::Builder::new().name("site".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever asks badly gets nothing.
            let _ = answer(&stream);
        }
    })?;
    Ok(address)
}

fn answer(mut stream: &TcpStream) -> io::Result<()> {
    let mut line = String::new();
    let mut request = BufReader::new(stream);
    request.read_line(&mut line)?;
    let path = line.split_whitespace().nth(1).unwrap_or("/");
    let path = path.split('?').next().unwrap_or("/").to_owned();
    while request.read_line(&mut line)? > 2 {}
    let (status, kind, body) = match FILES.iter().find(|(name, _, _)| *name == path) {
        Some((_, kind, body)) => ("200 OK", *kind, *body),
        None => ("404 Not Found", "text/plain", ""),
    };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}
