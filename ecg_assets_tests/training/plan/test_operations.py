"""Operations of a compiled program: cycles, padding and where in the network they come from."""

import pytest

from ecg_assets.training.plan.operations import operations_of

CONFIG = 'backend_config={"window_config":{"estimated_cycles":"%d"}}'
LINES = "\n".join(
    (
        "HloModule IrToHlo.1, is_scheduled=true",
        "  %small = f32[2,2]{1,0:T(2,128)} add(%a, %b), "
        'metadata={op_name="up.0.4.48/aten__rsqrt" source_file="/somewhere/torch/_ops.py" source_line=841}, '
        + CONFIG
        % 267,
        "  ROOT %fusion.5 = (f32[64]{0:T(128)}, bf16[32,48,16,16]{1,0,3,2:T(8,128)(2,1)}) fusion(%c), kind=kOutput, "
        'metadata={op_name="first.3 backward.12/aten__convolution_backward"}, ' + CONFIG % 9000,
        '  %copy.1 = u8[2,8,128]{2,1,0:T(8,128)(4,1)} copy(%d), metadata={op_name="aten__permute" '
        'source_file="/somewhere/ecg_assets/training/models/compact_unet.py" source_line=26}, ' + CONFIG % 500,
        "  %free = f32[] parameter(0)",
    )
)


def test_they_come_the_dearest_first_with_module_and_torch_operation() -> None:
    found = operations_of(LINES)
    assert [(one.cycles, one.module, one.what) for one in found] == [
        (9000, "first.3 backward", "aten::convolution_backward"),
        (500, "compact_unet.py:26", "aten::permute"),
        (267, "up.0.4", "aten::rsqrt"),
    ]


@pytest.mark.parametrize(
    ("number", "output", "padding"),
    [
        # Channels, 48, are minor-most: 128 places each.
        (0, "bf16[32,48,16,16]{1,0,3,2:T(8,128)(2,1)}", 128 / 48),
        (1, "u8[2,8,128]{2,1,0:T(8,128)(4,1)}", 1.0),
        (2, "f32[2,2]{1,0:T(2,128)}", 64.0),
    ],
)
def test_padding_is_that_of_the_largest_output_by_its_tiles(number: int, output: str, padding: float) -> None:
    operation = operations_of(LINES)[number]
    assert operation.output == output
    assert operation.padding == pytest.approx(padding, abs=0.01)
