//! Notebook kernels: `kernels.py`, one client for all of them alike.
