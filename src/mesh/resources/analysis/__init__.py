"""What several objects together can get wrong: references, shadowed routes, advice."""
