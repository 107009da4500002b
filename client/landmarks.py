"""Hand landmarks from a picture: the only module that imports MediaPipe.

The model bundle is assembled from the two networks inside the `mediapipe==0.10.21` wheel, so nothing is downloaded
and nothing is sent to anyone. The landmarks are those of MediaPipe's Tasks API, which agree with the browser's
`@mediapipe/tasks-vision` to a hundredth of a pixel.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import tempfile
import zipfile
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import cv2
import numpy as np

from client.errors import ClientError, explain_missing_library

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

__all__ = ["ClientError", "Hand", "HandLandmarker", "assemble_bundle"]

# MediaPipe's C++ code reads these once, when it is first loaded: 2 keeps errors and drops the chatter.
os.environ.setdefault("GLOG_minloglevel", "2")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

BUNDLE_MEMBERS: Final = {
    "hand_detector.tflite": "modules/palm_detection/palm_detection_full.tflite",
    "hand_landmarks_detector.tflite": "modules/hand_landmark/hand_landmark_full.tflite",
}
"""Name inside the bundle: path inside the installed mediapipe package."""
BORDER: Final = 0.5
"""Border added around a still picture for a second try, on each side, as a share of its width and height."""

GREY: Final = 8
"""Largest difference between the channels of a grey picture, of 255: compression makes some."""
GREY_STEP: Final = 8
"""Colour is looked for at every eighth pixel."""
SKIN: Final = (np.arange(256)[None, :, None] * (1.0, 0.8, 0.7)).astype(np.uint8)
"""(1, 256, 3): each shade of a grey picture as MediaPipe is shown it, RGB. Of 68 frames and photographs in whose colour
it finds a hand, it finds one in 6 as they are in grey, and in 60 when they are tinted, 1.5 % of its height away."""

_HINT: Final = "Leave --hand-model out to use the models of mediapipe==0.10.21, or name a hand landmarker's .task file."
CHATTER: Final = (b"INFO:", b"I0000 ", b"W0000 ", b"WARNING: All log messages before absl::InitializeLog()")
"""Prefixes of the lines that MediaPipe prints about itself and that nobody can act on."""


@dataclass(frozen=True)
class Hand:
    """One hand that was found in a picture."""

    landmarks: npt.NDArray[np.float32]
    """(21, 3): x and y in pixels of the picture, z (towards the camera is negative) on x's scale."""
    handedness: Literal["Left", "Right", ""]
    """Which hand it is, as MediaPipe's Tasks API reports it for an unmirrored picture; "" if it does not."""
    score: float
    """MediaPipe's confidence in the handedness, 0 to 1."""


def assemble_bundle() -> bytes:
    """Zip, uncompressed, the palm detector and the landmark network of the installed MediaPipe.

    Returns:
        The bytes of a `.task` bundle (7.8 MB), the same on every machine.

    Raises:
        ClientError: MediaPipe is missing, or its version contains no networks.
    """
    spec = importlib.util.find_spec("mediapipe")
    if spec is None or spec.origin is None:
        raise explain_missing_library(ImportError("mediapipe", name="mediapipe"))
    package = Path(spec.origin).parent
    buffer = io.BytesIO()
    # Stored, because MediaPipe maps the members into memory as they lie in the file.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as bundle:
        for name, inside in BUNDLE_MEMBERS.items():
            try:
                network = (package / inside).read_bytes()
            except FileNotFoundError as error:
                raise ClientError(
                    f"The installed mediapipe has no {inside}: newer versions contain no hand models. Install the last "
                    "one that does, `pip install mediapipe==0.10.21`, or name a bundle with --hand-model FILE."
                ) from error
            bundle.writestr(zipfile.ZipInfo(name), network)  # ZipInfo's fixed date keeps the bytes the same
    return buffer.getvalue()


class HandLandmarker:
    """Finds a hand and its 21 landmarks, in still pictures or in the frames of a video.

    Example:
        ```python
        with HandLandmarker("image") as landmarker:
            hand = landmarker.detect(rgb)
        ```
    """

    def __init__(self, mode: Literal["image", "video"], bundle: Path | None = None, num_hands: int = 1) -> None:
        """Load the networks.

        Args:
            mode: "image" treats each picture separately; "video" follows the hand from frame to frame, which is
                twice as fast but searches the wrong region when unrelated pictures follow one another.
            bundle: a `.task` file; if None, the networks inside the mediapipe package.
            num_hands: the most hands to find; a second one doubles the time, whether it is there or not.

        Raises:
            ClientError: MediaPipe, its networks or the bundle are missing or cannot be read.
        """
        self._mode = mode
        self._last_timestamp_ms = 0
        self._chatter_is_over = False
        contents = assemble_bundle() if bundle is None else _read_bundle(bundle)
        try:
            self._mediapipe: Any = importlib.import_module("mediapipe")
        except ImportError as error:
            raise explain_missing_library(error) from error
        vision = self._mediapipe.tasks.vision
        options = vision.HandLandmarkerOptions(
            base_options=self._mediapipe.tasks.BaseOptions(model_asset_buffer=contents),
            running_mode=vision.RunningMode.IMAGE if mode == "image" else vision.RunningMode.VIDEO,
            num_hands=num_hands,
        )
        try:
            with _without_chatter():
                self._landmarker: Any = vision.HandLandmarker.create_from_options(options)
                # The networks start in threads of their own; an empty picture waits for them.
                self._run(np.zeros((64, 64, 3), dtype=np.uint8), 0)
        except (RuntimeError, ValueError) as error:
            source = "the hand model of the mediapipe package" if bundle is None else str(bundle)
            why = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ClientError(f"{source}: MediaPipe cannot use it ({why}). {_HINT}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the networks; the landmarker cannot be used afterwards."""
        self._landmarker.close()

    def detect(self, rgb: npt.NDArray[np.uint8]) -> Hand | None:
        """Find the hand in a still picture: first as it is, then with a border, which tight crops need.

        Args:
            rgb: (H, W, 3) uint8.

        Returns:
            The hand, in pixels of `rgb` (even if found with the border), or None.

        Raises:
            ValueError: the picture has another shape or type, or the landmarker was made for video.
        """
        self._check("image", rgb)
        if (hand := self._find(rgb, 0)) is not None:
            return hand
        top, left = round(rgb.shape[0] * BORDER), round(rgb.shape[1] * BORDER)
        hand = self._find(np.pad(rgb, ((top, top), (left, left), (0, 0))), 0)
        if hand is None:
            return None
        return replace(hand, landmarks=hand.landmarks - np.array([left, top, 0], dtype=np.float32))

    def detect_all(self, rgb: npt.NDArray[np.uint8]) -> list[Hand]:
        """Find up to `num_hands` hands in a still picture (H, W, 3) uint8, as it is.

        Raises:
            ValueError: the picture has another shape or type, or the landmarker was made for video.
        """
        self._check("image", rgb)
        return self._find_all(rgb, 0)

    def detect_in_video(self, rgb: npt.NDArray[np.uint8], timestamp_ms: int) -> Hand | None:
        """Find or follow the hand in the next frame of a video.

        Args:
            rgb: (H, W, 3) uint8.
            timestamp_ms: time of the frame in milliseconds, increasing from frame to frame.

        Returns:
            The hand, in pixels of `rgb`, or None.

        Raises:
            ValueError: the frame has another shape or type, or the landmarker was made for still pictures.
        """
        self._check("video", rgb)
        # MediaPipe rejects equal timestamps, which a fast camera produces within one millisecond.
        self._last_timestamp_ms = max(timestamp_ms, self._last_timestamp_ms + 1)
        return self._find(rgb, self._last_timestamp_ms)

    def _check(self, mode: str, rgb: npt.NDArray[np.uint8]) -> None:
        if self._mode != mode:
            raise ValueError(f'this needs HandLandmarker("{mode}")')
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
            raise ValueError(f"a picture must be (H, W, 3) uint8 RGB, not {rgb.dtype} of shape {rgb.shape}")

    def _find(self, rgb: npt.NDArray[np.uint8], timestamp_ms: int) -> Hand | None:
        return next(iter(self._find_all(rgb, timestamp_ms)), None)

    def _find_all(self, rgb: npt.NDArray[np.uint8], timestamp_ms: int) -> list[Hand]:
        with nullcontext() if self._chatter_is_over else _without_chatter():
            hands = _hands(self._run(rgb, timestamp_ms), rgb.shape)
        self._chatter_is_over |= bool(hands)  # MediaPipe's last remark comes with the first hand
        return hands

    def _run(self, rgb: npt.NDArray[np.uint8], timestamp_ms: int) -> Any:  # noqa: ANN401 - MediaPipe has no types
        data = np.ascontiguousarray(tint_grey(rgb))
        picture = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=data)
        if self._mode == "image":
            return self._landmarker.detect(picture)
        return self._landmarker.detect_for_video(picture, timestamp_ms)


def tint_grey(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Give a picture without colour, as from an infrared camera, the tint of skin, which MediaPipe finds hands by.

    Args:
        rgb: (H, W, 3).

    Returns:
        (H, W, 3): tinted, or the same array if the picture has colour.
    """
    red, green, blue = np.moveaxis(rgb[::GREY_STEP, ::GREY_STEP].astype(np.int16), 2, 0)
    if max(np.abs(red - green).max(), np.abs(blue - green).max()) > GREY:
        return rgb
    return np.asarray(cv2.LUT(rgb, SKIN), dtype=np.uint8)


def _hands(result: Any, shape: tuple[int, ...]) -> list[Hand]:  # noqa: ANN401 - MediaPipe has no types
    height, width = shape[:2]
    scale = np.array([width, height, width], dtype=np.float32)
    return [
        Hand(
            landmarks=np.array([(point.x, point.y, point.z) for point in points], dtype=np.float32) * scale,
            handedness=handedness[0].category_name or "",
            score=float(handedness[0].score),
        )
        for points, handedness in zip(result.hand_landmarks, result.handedness, strict=True)
    ]


def _read_bundle(path: Path) -> bytes:
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise ClientError(f"{path}: cannot read the hand model ({error.strerror}). {_HINT}") from error
    if not zipfile.is_zipfile(io.BytesIO(contents)):
        raise ClientError(f"{path}: not a hand landmarker bundle. {_HINT}")
    return contents


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Drop what MediaPipe's C++ code writes to stderr about itself; pass on every other line.

    Its logger is never initialised from Python, so no setting reaches it: file descriptor 2 has to be redirected.
    """
    try:
        stderr = os.dup(2)
    except OSError:  # the process was started without a stderr
        yield
        return
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            caught.seek(0)
            for line in caught:
                if not line.startswith(CHATTER):
                    os.write(2, line)
