// A page that knows nothing of rings: two ends of a call with camera and microphone, and nobody who plays what arrives.
export const CALL = `<!doctype html><title>call</title><video muted autoplay></video><script>
async function call() {
  const [near, far] = [new RTCPeerConnection(), new webkitRTCPeerConnection()];
  near.onicecandidate = ({ candidate }) => far.addIceCandidate(candidate);
  far.onicecandidate = ({ candidate }) => near.addIceCandidate(candidate);
  window.remote = [];
  far.ontrack = ({ track, streams: [stream] }) => remote.push([track.kind, track.id, stream.id]);
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
  window.local = stream.getTracks().map(({ kind, id, label }) => [kind, id, label]);
  document.querySelector('video').srcObject = stream;
  for (const track of stream.getTracks()) near.addTrack(track, stream);
  await near.setLocalDescription();
  await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription();
  await near.setRemoteDescription(far.localDescription);
  window.ends = [near, far];
  return near instanceof RTCPeerConnection && far.constructor === RTCPeerConnection;
}
</script>`;
