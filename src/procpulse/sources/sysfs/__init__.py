"""Folders of /sys, one module each."""
