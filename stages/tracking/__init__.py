"""What the stages wrote, shown in MLflow: runs, curves, pictures, versions and the champion."""
