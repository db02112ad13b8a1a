"""Which image encoder's features are meant; known without loading what runs it."""

WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
IDENTITY = f"efficientnet-lite0@{WEIGHTS_SHA256[:12]}"
