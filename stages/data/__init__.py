"""Raw data in, processed data out: reading, checks, splits, augmentation and loading."""
