"""Campaigns: a pretended lane stands in for the guest, except in ``test_campaign_guest``."""
