"""The mathematics of zoo's ops and training steps in NumPy and float64, sharing no line and no library with zoo itself."""
