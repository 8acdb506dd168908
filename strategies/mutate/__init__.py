"""Cases made from cases: small changes to one (havoc), and parts of two put together (a splice).

Both know what a case consists of, and take most changes from what a driver looks at: its descriptors, what it is
answered, the packets it is sent. A case that is worth changing reached deep code; most children stay close to it.
"""

from .havoc import havoc_case
from .splice import splice_cases

__all__ = ["havoc_case", "splice_cases"]
