"""The webcam client: camera to hand landmarks to mask to letters on the screen."""
