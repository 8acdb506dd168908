"""Corpora: nothing that any of several writers added is lost, whatever lies in the directory."""
