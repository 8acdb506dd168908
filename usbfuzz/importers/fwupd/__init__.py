"""Emulations that fwupd records (``fwupdmgr emulation-save``): a zip of JSON files, or one of them."""
