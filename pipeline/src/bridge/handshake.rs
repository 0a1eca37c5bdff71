//! Who may connect, and what the page is called.

use std::fmt;
use std::net::TcpStream;
use std::time::Duration;

use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::http::header::{HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use tungstenite::http::StatusCode;

use super::{BridgeError, BridgeOptions};

/// What both sides must speak.
pub const SUBPROTOCOL: &str = "frame-ring.v1";
/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// A page that has connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What the page calls itself by `?name=` in the URL, or else its origin without the scheme: the producer's label.
    pub name: String,
    /// Its origin, as its browser says; empty if a program that is no browser connected.
    pub origin: String,
    /// The producer's id in the ring.
    pub producer: u8,
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin.is_empty() {
            true => write!(f, "{:?}", self.name),
            false => write!(f, "{:?} from {}", self.name, self.origin),
        }
    }
}

/// What a client says of itself.
#[derive(Debug, Default)]
pub(super) struct Visitor {
    pub(super) name: String,
    pub(super) origin: String,
}

/// Does the handshake, with clients that may connect.
pub(super) fn receive(
    stream: TcpStream,
    options: &BridgeOptions,
) -> Result<(TcpStream, Visitor), BridgeError> {
    let failed = |why: &dyn fmt::Display| BridgeError::Handshake(why.to_string());
    let timed = stream.set_read_timeout(Some(PATIENCE)).and(stream.set_write_timeout(Some(PATIENCE)));
    timed.and(stream.set_nodelay(true)).map_err(|why| failed(&why))?;
    let mut visitor = Visitor::default();
    let mut refusal = None;
    // It is the handshake library's.
    #[allow(clippy::result_large_err)]
    let judge = |request: &Request, response: Response| match judge(request, options) {
        Ok(found) => {
            visitor = found;
            let mut response = response;
            let spoken = HeaderValue::from_static(SUBPROTOCOL);
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, spoken);
            Ok(response)
        }
        Err((status, why)) => {
            let mut answer = ErrorResponse::new(Some(why.clone()));
            *answer.status_mut() = status;
            refusal = Some(why);
            Err(answer)
        }
    };
    // A client waits for the answer before it sends anything else.
    let opened = tungstenite::accept_hdr(stream, judge).map(tungstenite::WebSocket::into_inner);
    let opened = opened.map_err(|why| failed(&why));
    match refusal {
        Some(why) => Err(BridgeError::Handshake(why)),
        None => Ok((opened?, visitor)),
    }
}

fn judge(request: &Request, options: &BridgeOptions) -> Result<Visitor, (StatusCode, String)> {
    let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    if request.uri().path() != options.path {
        return Err((StatusCode::NOT_FOUND, "another path was asked for".into()));
    }
    let origin = header(ORIGIN).unwrap_or_default();
    if !options.origins.is_empty() && !options.origins.iter().any(|allowed| allowed == origin) {
        return Err((StatusCode::FORBIDDEN, format!("pages of {origin:?} may not connect")));
    }
    let spoken = header(SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    if !spoken.split(',').any(|protocol| protocol.trim() == SUBPROTOCOL) {
        let why = format!("the subprotocol must be {SUBPROTOCOL}, and {spoken:?} was asked for");
        return Err((StatusCode::BAD_REQUEST, why));
    }
    let query = request.uri().query().unwrap_or_default();
    let name = query.split('&').find_map(|part| part.strip_prefix("name=")).map(decode);
    let host = origin.rsplit_once("://").map_or(origin, |(_, host)| host);
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| host.into());
    let name = if name.is_empty() { "websocket".into() } else { name };
    Ok(Visitor { name, origin: origin.into() })
}

/// Undoes the encoding of a query.
fn decode(text: &str) -> String {
    let hex = |byte: &u8| char::from(*byte).to_digit(16);
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        rest = others;
        let pair = match others {
            [high, low, ..] if *first == b'%' => hex(high).zip(hex(low)),
            _ => None,
        };
        bytes.push(match (pair, first) {
            (Some((high, low)), _) => {
                rest = &others[2..];
                (high << 4 | low) as u8
            }
            (None, b'+') => b' ',
            (None, other) => *other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_out_of_the_query() {
        let name = |uri: &str, origin: &str| {
            let request = Request::builder().uri(uri).header(SEC_WEBSOCKET_PROTOCOL, "x, frame-ring.v1");
            judge(&request.header(ORIGIN, origin).body(()).unwrap(), &BridgeOptions::default()).unwrap().name
        };
        assert_eq!(name("/?a=b&name=Ada%20%C3%A9+%zz%2", "http://x"), "Ada é %zz%2");
        assert_eq!(name("/", "https://meet.example:8443"), "meet.example:8443");
        assert_eq!(name("/?name=", "null"), "null");
        assert_eq!(name("/", ""), "websocket");
    }

    #[test]
    fn whoever_may_not_connect_hears_why() {
        let options = BridgeOptions {
            path: "/secret".into(),
            origins: vec!["https://good.example".into()],
            ..BridgeOptions::default()
        };
        let refused = |uri: &str, origin: &str, spoken: &str| {
            let request = Request::builder().uri(uri).header(SEC_WEBSOCKET_PROTOCOL, spoken);
            judge(&request.header(ORIGIN, origin).body(()).unwrap(), &options).map_err(|why| why.0.as_u16())
        };
        assert_eq!(refused("/", "https://good.example", SUBPROTOCOL).unwrap_err(), 404);
        assert_eq!(refused("/secret", "https://bad.example", SUBPROTOCOL).unwrap_err(), 403);
        assert_eq!(refused("/secret", "https://good.example", "frame-ring.v2").unwrap_err(), 400);
        assert!(refused("/secret?name=x", "https://good.example", SUBPROTOCOL).is_ok());
    }
}
