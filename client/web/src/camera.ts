/** The camera: opened, chosen among several, and opened again after it was unplugged. */

const SIZE = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };

/** Open a camera, the browser's choice if `id` is "" or gone, and show it. Throws an Error with a message to show. */
export async function openCamera(video: HTMLVideoElement, id: string): Promise<MediaStreamTrack> {
  if (!navigator.mediaDevices) {
    throw new Error("Browsers allow cameras only on pages at https or localhost. Open this page at such an address.");
  }
  closeCamera(video);
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: id ? { ...SIZE, deviceId: { ideal: id } } : SIZE,
    });
  } catch (error) {
    throw new Error(explain(error instanceof DOMException ? error.name : ""));
  }
  video.srcObject = stream;
  await video.play();
  return stream.getVideoTracks()[0];
}

/** Whether the camera may be used without a question. */
export async function isCameraAllowed(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: "camera" as PermissionName })).state === "granted";
  } catch {
    return false; // a browser that does not tell
  }
}

export function closeCamera(video: HTMLVideoElement): void {
  const stream = video.srcObject;
  if (stream instanceof MediaStream) for (const track of stream.getTracks()) track.stop();
  video.srcObject = null;
}

export async function listCameras(): Promise<MediaDeviceInfo[]> {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices.filter(({ kind }) => kind === "videoinput");
}

function explain(name: string): string {
  switch (name) {
    case "NotAllowedError":
      return "This page may not use the camera. Allow it in the browser's address bar; the page then continues by itself.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "There is no camera. Plug one in.";
    case "NotReadableError":
      return "The camera cannot be opened. Close other programs that use it.";
    default:
      return "The camera cannot be opened. Plug it in again, or choose another in the settings.";
  }
}
