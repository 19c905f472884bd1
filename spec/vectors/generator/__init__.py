"""Independent generator of the BSP test vectors: Python's own json, hmac and hashlib, and `cryptography`."""
