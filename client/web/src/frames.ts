/** The frames of a video, one by one. */

/**
 * Call back at each new frame with the time at which it was shown, in milliseconds; returns what ends it.
 *
 * Firefox before version 132 does not tell of frames: there the video's own time is looked at as often as the screen
 * is drawn.
 */
export function onEachFrame(video: HTMLVideoElement, callback: (time: number) => void): () => void {
  return "requestVideoFrameCallback" in video ? listen(video, callback) : watch(video, callback);
}

function listen(video: HTMLVideoElement, callback: (time: number) => void): () => void {
  let request = 0;
  const next = (time: number) => {
    request = video.requestVideoFrameCallback(next);
    callback(time);
  };
  request = video.requestVideoFrameCallback(next);
  return () => video.cancelVideoFrameCallback(request);
}

function watch(video: HTMLVideoElement, callback: (time: number) => void): () => void {
  let shown = -1;
  let request = 0;
  const next = (time: number) => {
    request = requestAnimationFrame(next);
    if (video.readyState < video.HAVE_CURRENT_DATA || video.currentTime === shown) return;
    shown = video.currentTime;
    callback(time);
  };
  request = requestAnimationFrame(next);
  return () => cancelAnimationFrame(request);
}
