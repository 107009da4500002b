"""Raw data in, processed data out: readers, checks, splits, augmentation and loading."""
