"""zstd, which the standard library has since Python 3.14."""

import sys

if sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdError, ZstdFile, compress
else:
    from backports.zstd import DecompressionParameter, ZstdError, ZstdFile, compress

__all__ = ["DecompressionParameter", "ZstdError", "ZstdFile", "compress"]
