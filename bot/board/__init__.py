"""The board: pages for the review meeting and the team's wall, as a tab in Teams. They are only read."""
