"""Other tools at our guest: devices written for Facedancer, fuzzing sessions written for boofuzz.

``facedancer_backend`` needs the package facedancer, the extra of that name.
"""
