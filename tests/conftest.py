"""Settings that must stand before scientific packages are imported."""

import os

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # else scikit-learn skips one of its checks
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
