//! A real browser, controlled: what the DevTools client, the launcher and the injector promise.

mod web;

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use frame_ring_pipeline::browser::cdp::CdpError;
use frame_ring_pipeline::browser::inject::{self, Injection, Injector, PageEvent};
use frame_ring_pipeline::browser::process::Browser;
use serde_json::{json, Value};
use web::{launch, start, Site, FULL, HEADLESS};

const LONG: Duration = Duration::from_secs(30);

/// Counts how often it has run in a document, and notes whether anything of the page was there before.
const SCRIPT: &str = "
    globalThis.runs = (globalThis.runs || 0) + 1;
    globalThis.first = globalThis.first ?? globalThis.pageRan === undefined;
";

fn injection(script: &str) -> Injection {
    Injection { script: inject::script(&json!({}), script), bypass_csp: false, allow_loopback: false }
}

/// Waits for an event of this kind.
fn event(injector: &Injector, is_it: impl Fn(&PageEvent) -> bool) -> PageEvent {
    loop {
        let event = injector.next_event(LONG).expect("an event");
        if is_it(&event) {
            return event;
        }
    }
}

/// A site whose pages and frames run scripts of their own as early as they can.
fn site() -> Site {
    let page = |more: &str| {
        let text = format!("<!DOCTYPE html><script>globalThis.pageRan = true; globalThis.hadScript = globalThis.runs</script>{more}");
        ("", text)
    };
    // A name of this machine that is another site than its number, and so another process.
    let frames = "<iframe id=same src=/inner></iframe><iframe id=other></iframe>
        <script>other.src = location.href.replace('127.0.0.1', 'localhost').replace('/outer', '/inner')</script>";
    Site::serve(&[("/outer", page(frames)), ("/inner", page("")), ("/next", page("<p>next"))])
}

/// The target ids of frames that have processes of their own.
fn frames(browser: &Browser) -> Vec<String> {
    let targets = browser.cdp().browser().command("Target.getTargets", json!({})).unwrap();
    let targets = targets["targetInfos"].as_array().unwrap().clone();
    let frames = targets.iter().filter(|target| target["type"] == "iframe");
    frames.map(|target| target["targetId"].as_str().unwrap().into()).collect()
}

#[test]
fn commands_are_answered_and_refused_and_time_out() {
    let Some(launch) = launch(HEADLESS) else { return };
    let browser = start(launch);
    let page = browser.open(&site().url("/next")).unwrap();
    assert_eq!(page.evaluate("6 * 7").unwrap(), 42);
    assert_eq!(page.evaluate("Promise.resolve({a: [1, 'zwei']})").unwrap(), json!({"a": [1, "zwei"]}));
    assert_eq!(page.evaluate("undefined").unwrap(), Value::Null);
    let long = "x".repeat(3 << 20);
    assert_eq!(page.evaluate(&format!("'{long}' + 'y'")).unwrap(), format!("{long}y"));
    let thrown = page.evaluate("throw new Error('on purpose')").unwrap_err();
    assert!(matches!(&thrown, CdpError::Exception { text } if text.contains("on purpose")), "{thrown}");
    let refused = page.command("No.suchThing", json!({})).unwrap_err();
    assert!(matches!(&refused, CdpError::Refused { method, .. } if method == "No.suchThing"), "{refused}");
    let late = page.evaluate_within("new Promise(() => {})", Duration::from_millis(50)).unwrap_err();
    assert!(matches!(late, CdpError::Timeout { .. }), "{late}");
    let refused = browser.open("http://127.0.0.1:1/").unwrap_err();
    assert!(matches!(&refused, CdpError::Refused { message, .. } if message.contains("ERR_")), "{refused}");

    let (cdp, profile) = (browser.cdp().clone(), browser.profile().to_owned());
    assert!(profile.join("Default").is_dir());
    drop(browser);
    assert!(!profile.exists() && cdp.is_closed());
    assert!(matches!(page.evaluate("1"), Err(CdpError::Closed { .. })));
    assert!(cdp.subscribe(&[]).next(LONG).is_err());
}

#[test]
fn a_program_that_is_no_browser_is_told_of() {
    for program in ["/bin/true", "/not/there"] {
        let failed = Browser::start(frame_ring_pipeline::browser::process::Launch::new(program));
        assert!(failed.is_err(), "{program}");
    }
}

#[test]
fn the_script_comes_first_in_pages_frames_and_after_reloads() {
    let Some(launch) = launch(HEADLESS) else { return };
    let browser = start(launch.arg("--site-per-process"));
    let injector = Injector::start(browser.cdp(), injection(SCRIPT)).unwrap();
    let site = site();
    let page = browser.open(&site.url("/outer")).unwrap();
    for _ in 0..2 {
        assert_eq!(page.evaluate("[runs, first, hadScript]").unwrap(), json!([1, true, 1]));
        let inner = "(w => [w.runs, w.first, w.hadScript])(same.contentWindow)";
        assert_eq!(page.evaluate(inner).unwrap(), json!([1, true, 1]));
        let other = frames(&browser);
        assert_eq!(other.len(), 1, "the frame of another site has a process of its own");
        let params = json!({ "targetId": other[0], "flatten": true });
        let attached = browser.cdp().browser().command("Target.attachToTarget", params).unwrap();
        let frame = browser.cdp().session(attached["sessionId"].as_str().unwrap());
        assert_eq!(frame.evaluate("[runs, first, hadScript]").unwrap(), json!([1, true, 1]));
        browser.reload(&page).unwrap();
    }
    browser.navigate(&page, &site.url("/next")).unwrap();
    assert_eq!(page.evaluate("[runs, first, hadScript]").unwrap(), json!([1, true, 1]));
    // A window that the page opens, on which nobody but the page waits.
    let popup = "new Promise(done => { const w = open('/inner'); w.onload = () => done([w.runs, w.first, w.hadScript]) })";
    assert_eq!(page.evaluate(popup).unwrap(), json!([1, true, 1]));
    let to = site.url("/next");
    event(&injector, |event| matches!(event, PageEvent::Navigated { to: at, .. } if *at == to));
}

#[test]
fn what_happens_to_pages_is_told_and_a_crashed_one_has_the_script_again() {
    let Some(launch) = launch(HEADLESS) else { return };
    let browser = start(launch);
    let injector = Injector::start(browser.cdp(), injection(SCRIPT)).unwrap();
    let url = site().url("/next");
    let id = injector.open(&url).unwrap();
    let navigated = event(&injector, |event| matches!(event, PageEvent::Navigated { to, .. } if *to == url));
    assert!(matches!(navigated, PageEvent::Navigated { page, .. } if page == id));
    let params = json!({ "targetId": id, "flatten": true });
    let attached = browser.cdp().browser().command("Target.attachToTarget", params).unwrap();
    let page = browser.cdp().session(attached["sessionId"].as_str().unwrap());
    page.command("Page.enable", json!({})).unwrap();
    assert_eq!(page.evaluate("[runs, first, hadScript]").unwrap(), json!([1, true, 1]));
    // It cannot answer.
    drop(page.send("Page.crash", json!({})).unwrap());
    event(&injector, |event| *event == PageEvent::Crashed { page: id.clone(), url: url.clone() });
    browser.reload(&page).unwrap();
    assert_eq!(page.evaluate("[runs, first, hadScript]").unwrap(), json!([1, true, 1]));
    browser.cdp().browser().command("Target.closeTarget", json!({ "targetId": id })).unwrap();
    event(&injector, |event| *event == PageEvent::Closed { page: id.clone(), url: url.clone() });
}

#[test]
fn a_policy_that_forbids_workers_can_be_bypassed() {
    let Some(launch) = launch(HEADLESS) else { return };
    let browser = start(launch);
    let policy = "Content-Security-Policy: worker-src 'none'; require-trusted-types-for 'script'\r\n";
    let site = Site::serve(&[("/", (policy, "<!DOCTYPE html><p>strict".into()))]);
    let worker = "new Promise(done => {
        try {
            const worker = new Worker(URL.createObjectURL(new Blob(['postMessage(7)'])));
            worker.onmessage = event => done(event.data);
            worker.onerror = event => done('refused ' + event.message);
        }
        catch (why) { done(why.name) }
    })";
    let strict = browser.open(&site.url("/")).unwrap();
    assert_ne!(strict.evaluate(worker).unwrap(), 7, "the policy works");
    let _injector = Injector::start(browser.cdp(), Injection { bypass_csp: true, ..injection("") }).unwrap();
    let loose = browser.open(&site.url("/")).unwrap();
    assert_eq!(loose.evaluate(worker).unwrap(), 7);
}

#[test]
fn a_public_page_reaches_this_machine_only_with_the_permission() {
    let Some(launch) = launch(FULL) else { return };
    let site = site();
    let port = site.port();
    let browser = start(launch.arg(format!("--ip-address-space-overrides=127.0.0.1:{port}=public")));
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let bridge = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Ok(mut socket) = tungstenite::accept(stream) {
                let _ = socket.send(tungstenite::Message::text("hello"));
                let _ = socket.get_mut().flush();
                while socket.read().is_ok() {}
            }
        }
    });
    let connect = format!(
        "new Promise(done => {{
            const socket = new WebSocket('ws://{bridge}/');
            socket.onmessage = event => done(event.data);
            socket.onerror = () => done('refused');
            setTimeout(() => done('asked'), 3000);
        }})"
    );
    let page = browser.open(&site.url("/next")).unwrap();
    assert_ne!(page.evaluate(&connect).unwrap(), "hello", "the browser holds public pages back");
    let injection = Injection { allow_loopback: true, ..injection("") };
    let injector = Injector::start(browser.cdp(), injection).unwrap();
    let here = site.url("/next");
    event(&injector, |event| matches!(event, PageEvent::Opened { url, .. } if *url == here));
    assert_eq!(page.evaluate(&connect).unwrap(), "hello");
}
