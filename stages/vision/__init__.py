"""The image encoder that sampling, segmentation and the tagger share."""
