import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.llm import softmax
from stages.llm.softmax import attention, merge


def slow(q_BHLE, k_BKSE, v_BKSE, scale, seen_BHLS):
    """One query at a time, softmax written out, double precision."""
    B, H, L, E = q_BHLE.shape
    K = k_BKSE.shape[1]
    out, lse = torch.zeros(B, H, L, E), torch.full((B, H, L), -torch.inf)
    for b in range(B):
        for h in range(H):
            for i in range(L):
                keys = seen_BHLS[b, h, i].nonzero()[:, 0]
                if not len(keys):
                    continue
                kv = h // (H // K)
                scores = k_BKSE[b, kv, keys].double() @ q_BHLE[b, h, i].double() * scale
                weights = scores.exp()
                out[b, h, i] = (weights / weights.sum() @ v_BKSE[b, kv, keys].double()).float()
                lse[b, h, i] = weights.sum().log()
    return out, lse


def draw(seed, B=2, H=4, K=2, L=5, S=7, E=8):
    g = torch.Generator().manual_seed(seed)
    q = torch.randn(B, H, L, E, generator=g)
    k = torch.randn(B, K, S, E, generator=g)
    v = torch.randn(B, K, S, E, generator=g)
    return q, k, v, g


@pytest.mark.parametrize("K", [1, 2, 4])
@pytest.mark.parametrize("explicit", [False, True], ids=["fused", "written out"])
def test_attention_equals_a_softmax_written_out(K, explicit):
    q, k, v, _ = draw(0, K=K)
    seen = torch.ones(2, 4, 5, 7, dtype=torch.bool)
    expected = slow(q, k, v, 0.3, seen)
    found = attention(q, k, v, 0.3, seen=seen if explicit else None)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("explicit", [False, True], ids=["fused", "written out"])
def test_causal_queries_see_themselves_and_what_came_before(explicit):
    q, k, v, _ = draw(1, L=6, S=6)
    seen = torch.ones(6, 6, dtype=torch.bool).tril().expand(2, 4, 6, 6)
    everything = torch.ones(6, 6, dtype=torch.bool) if explicit else None
    found = attention(q, k, v, 0.3, causal=True, seen=everything)
    for one, other in zip(found, slow(q, k, v, 0.3, seen), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("explicit", [False, True], ids=["fused", "written out"])
def test_scores_beyond_the_range_of_float16_do_not_overflow(explicit):
    q, k, v, _ = draw(5, E=128)
    q, k = (q * 60).half(), (k * 60).half()
    assert (q.reshape(2, 2, 10, 128) @ k.transpose(-1, -2)).isinf().any()
    seen = torch.ones(2, 4, 5, 7, dtype=torch.bool)
    scale = 128**-0.5 / 100
    expected = slow(q, k, v.half(), scale, seen)
    out, lse = attention(q, k, v.half(), scale, seen=seen if explicit else None)
    torch.testing.assert_close(out.float(), expected[0], atol=1e-2, rtol=0)
    torch.testing.assert_close(lse, expected[1], atol=5e-2, rtol=1e-3)


@pytest.mark.parametrize("shape", [(2, 4, 5, 7), (2, 1, 5, 7), (2, 1, 1, 7), (5, 7)])
def test_hidden_keys_count_for_nothing_whatever_the_mask_broadcasts_over(shape):
    q, k, v, g = draw(2)
    seen = torch.rand(shape, generator=g) < 0.5
    found = attention(q, k, v, 0.3, seen=seen)
    for one, other in zip(found, slow(q, k, v, 0.3, seen.expand(2, 4, 5, 7)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(1, 8), seed=st.integers(0, 99), scale=st.floats(0.01, 20))
def test_two_parts_of_the_keys_merge_into_attention_over_all(cut, seed, scale):
    q, k, v, _ = draw(seed, S=9)
    whole, _ = attention(q, k, v, scale)
    parts = [attention(q, k[:, :, s], v[:, :, s], scale) for s in (slice(cut), slice(cut, None))]
    torch.testing.assert_close(merge(*parts), whole, atol=1e-4, rtol=1e-4)


def test_a_part_of_which_nothing_is_seen_changes_nothing():
    q, k, v, _ = draw(3)
    nothing = attention(q, k, v, 0.3, seen=torch.zeros(5, 7, dtype=torch.bool))
    something = attention(q, k, v, 0.3)
    assert merge(nothing, something).equal(something[0])
    assert merge(something, nothing).equal(something[0])


@pytest.mark.parametrize("shape", [(2, 1, 23, 23), (2, 1, 1, 23), (23, 23)])
def test_scores_are_written_out_for_a_bounded_number_of_queries_at_a_time(monkeypatch, shape):
    q, k, v, g = draw(4, L=23, S=23)
    seen = torch.rand(shape, generator=g) < 0.7
    whole = attention(q, k, v, 0.3, causal=True, seen=seen)
    at_once, one = [], softmax._written_out

    def counting(q_BHLE, *rest):
        at_once.append(q_BHLE.shape[2])
        return one(q_BHLE, *rest)

    monkeypatch.setattr(softmax, "SCORES", 5 * 2 * 4 * 23)
    monkeypatch.setattr(softmax, "_written_out", counting)
    parts = attention(q, k, v, 0.3, causal=True, seen=seen)
    assert at_once == [5, 5, 5, 5, 3]
    for found, expected in zip(parts, whole, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


def error_of_rounding(dtype, compute):
    """Relative, of attention with scores of a real model's spread, beside float64."""
    q, k, v, _ = draw(5, L=40, S=200, E=64)
    q, k, v = ((4 * x).to(dtype) for x in (q, k, v))
    everything = torch.ones(40, 200, dtype=torch.bool)
    expected, _ = slow(q.float(), k.float(), v.float(), 0.125, everything.expand(2, 4, 40, 200))
    return float((compute(q, k, v, everything).float() - expected).norm() / expected.norm())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_is_lost_in_the_output_alone(dtype):
    """Half a step of the dtype, as rounding the exact result once would leave."""
    step = torch.finfo(dtype).eps

    def written_out(q, k, v, seen):
        return attention(q, k, v, 0.125, seen=seen)[0]

    assert error_of_rounding(dtype, written_out) < step / 3


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_parts_of_half_precision_are_merged_in_float32(dtype):
    lse = torch.linspace(-5, 5, 99).view(1, 1, 99)
    one = torch.ones(1, 1, 99, 8, dtype=dtype)
    merged = merge((one, lse), (-one, torch.zeros_like(lse)))
    exact = (2 * torch.sigmoid(lse.double()) - 1)[..., None]
    rounding = (exact.to(dtype) - exact).abs().max()
    assert (merged - exact).abs().max() < 1.001 * rounding
