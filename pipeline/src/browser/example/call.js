// A call, as a meeting's page has one: remote tracks come out of RTCPeerConnections. Nothing in here knows of frame-ring, but
// for the names that it could give to recordings.

const NAMES = ['Ada', 'Grace', 'Hedy', 'Joan', 'Katherine', 'Margaret', 'Mary', 'Radia', 'Sophie'];
const count = Number(new URLSearchParams(location.search).get('people') ?? 3);
const sound = new AudioContext();
const streams = new Map();

// Optional: what the recordings are to be called.
if (window.__FRAME_RING__) {
  window.__FRAME_RING__.describe = ({ streams: [stream], track }) => {
    const name = streams.get(stream?.id);
    return name ? { participant: name, label: `${name} ${track.kind}` } : undefined;
  };
}

function picture(name, hue) {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
  const brush = canvas.getContext('2d');
  let n = 0;
  setInterval(() => {
    brush.fillStyle = `hsl(${hue} 60% 40%)`;
    brush.fillRect(0, 0, 640, 360);
    brush.fillStyle = 'white';
    brush.font = '48px sans-serif';
    brush.fillText(`${name} ${n++}`, 40, 190);
  }, 1000 / 30);
  return canvas.captureStream(30).getVideoTracks()[0];
}

function tone(frequency) {
  const out = sound.createMediaStreamDestination();
  const oscillator = new OscillatorNode(sound, { frequency });
  oscillator.connect(new GainNode(sound, { gain: 0.2 })).connect(out);
  oscillator.start();
  return out.stream.getAudioTracks()[0];
}

async function join(name, i) {
  const stream = new MediaStream([picture(name, (i * 360) / count), tone(220 + 110 * i)]);
  streams.set(stream.id, name);
  const [there, here] = [new RTCPeerConnection(), new RTCPeerConnection()];
  there.onicecandidate = ({ candidate }) => here.addIceCandidate(candidate);
  here.onicecandidate = ({ candidate }) => there.addIceCandidate(candidate);
  here.ontrack = ({ track, streams: [remote] }) => {
    if (track.kind !== 'video') return;
    const video = Object.assign(document.createElement('video'), { autoplay: true, muted: true, srcObject: remote });
    document.getElementById('people').append(video);
  };
  stream.getTracks().forEach((track) => there.addTrack(track, stream));
  await there.setLocalDescription();
  await here.setRemoteDescription(there.localDescription);
  await here.setLocalDescription();
  await there.setRemoteDescription(here.localDescription);
}

Array.from({ length: count }, (_, i) => join(NAMES[i % NAMES.length] + (i < NAMES.length ? '' : ` ${i}`), i));
