"""What a campaign tries next: sources and drivers weighed by what they brought, and cases made from
those that got somewhere."""
