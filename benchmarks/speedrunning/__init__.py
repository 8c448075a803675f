"""What ../speedrun.py is made of: the data, the contenders, what judges them, the table and the chart."""
