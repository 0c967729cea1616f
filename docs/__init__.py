"""The walk-through from the mathematics to the code, and the script that draws its plots."""
