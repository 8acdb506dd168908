"""Learning what drivers want to hear: drafts and changes, a pretended driver, a real one."""
