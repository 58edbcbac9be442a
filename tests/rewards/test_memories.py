"""What is remembered of versions, and what makes room for what."""

from concurrent.futures import ThreadPoolExecutor

from rewards.memories import Memory


def squares(most: int) -> tuple[Memory[int], list[int]]:
    asked: list[int] = []

    def square(number: int) -> int:
        asked.append(number)
        return number * number

    return Memory(square, most), asked


def test_what_is_known_is_asked_once() -> None:
    memory, asked = squares(most=3)
    assert [memory(2), memory(2), memory.keep((5,), 25), memory(5)] == [4, 4, 25, 25]
    assert asked == [2]
    memory.cache_clear()
    assert (5,) not in memory
    assert memory(5) == 25
    assert asked == [2, 5]


def test_the_oldest_make_room() -> None:
    memory, asked = squares(most=3)
    for number in (1, 2, 3):
        memory(number)
    memory.keep((1,), 1)  # said anew, it is the newest, and nobody had to go
    memory(4)
    assert [(number,) in memory for number in (1, 2, 3, 4)] == [True, False, True, True]
    assert asked == [1, 2, 3, 4]


def test_many_threads_get_right_answers_while_room_is_made() -> None:
    memory, _ = squares(most=5)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: memory(number % 11), range(5_000)))
    assert answers == [(number % 11) ** 2 for number in range(5_000)]
