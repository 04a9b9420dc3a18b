"""The demo shop: a seeded online shop with true effects and true dirt, as raw tables.

``VARS_FILE`` maps its columns: what a user would write under ``vars:``.
"""

from pathlib import Path

from salesfc_plugin.demo.shop import DemoTruth, demo_truth
from salesfc_plugin.demo.write import DemoSummary, write_demo

VARS_FILE = Path(__file__).with_name("vars.yml")

__all__ = ["VARS_FILE", "DemoSummary", "DemoTruth", "demo_truth", "write_demo"]
