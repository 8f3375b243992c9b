"""What the public modules export: a name that comes or goes is a change of the API, and must be meant."""

from __future__ import annotations

import importlib

import pytest

EXPORTS = {
    "foldlog.activity": """
        ActivityCancellationDetails Info LoggerAdapter NotInActivityError cancellation_details client defn
        heartbeat in_activity info is_cancelled is_definition is_worker_shutdown logger metric_meter
        payload_converter raise_complete_async shield_thread_cancel_exception wait_for_cancelled
        wait_for_cancelled_sync wait_for_worker_shutdown wait_for_worker_shutdown_sync
    """,
    "foldlog.common": """
        ActivityIDConflictPolicy ActivityIDReusePolicy AutoUpgradeVersioningOverride HeaderCodecBehavior
        MetricAttributes MetricCommon MetricCounter MetricGauge MetricGaugeFloat
        MetricHistogram MetricHistogramFloat MetricHistogramTimedelta MetricMeter
        OneTimeVersioningOverride PinnedVersioningOverride Priority QueryRejectCondition RawValue
        RetryPolicy SearchAttributeIndexedValueType SearchAttributeKey
        SearchAttributePair SearchAttributeUpdate SearchAttributeValue SearchAttributeValues SearchAttributes
        TypedSearchAttributes VersioningBehavior VersioningOverride WorkerDeploymentVersion
        WorkflowIDConflictPolicy WorkflowIDReusePolicy
    """,
    "foldlog.converter": """
        ActivitySerializationContext AdvancedJSONEncoder BinaryNullPayloadConverter BinaryPlainPayloadConverter
        BinaryProtoPayloadConverter
        CodecChain CompositePayloadConverter DataConverter DefaultFailureConverter
        DefaultFailureConverterWithEncodedAttributes DefaultPayloadConverter EncodingPayloadConverter ExternalStorage
        FailureConverter
        JSONPlainPayloadConverter JSONProtoPayloadConverter JSONTypeConverter JSONTypeConverterUnhandled PayloadCodec
        PayloadConverter
        SerializationContext StorageDriver StorageDriverActivityInfo StorageDriverClaim StorageDriverRetrieveContext
        StorageDriverSelectContext StorageDriverStoreContext StorageDriverWorkflowInfo StorageWarning
        TransferTypeConverter WithSerializationContext WorkflowSerializationContext
        create_payload_validation_error decode_search_attributes decode_typed_search_attributes default
        encode_search_attributes transfer_type_convertible value_to_type
    """,
    "foldlog.exceptions": """
        ActivityAlreadyStartedError ActivityError ApplicationError ApplicationErrorCategory CancelledError
        ChildWorkflowError ConfigurationError
        DeadlineExceededError DefinitionError FailedPreconditionError FailureError FoldlogError InvalidArgumentError
        InvalidVersioningOverrideError
        PayloadConversionError RPCError RPCStatusCode RetryState ServerError TemporalError TerminatedError TimeoutError
        TimeoutType UnavailableError WorkflowAlreadyStartedError WorkflowNotFoundError is_cancelled_exception
    """,
}


@pytest.mark.parametrize("module", EXPORTS)
def test_exports(module: str) -> None:
    imported = importlib.import_module(module)
    assert sorted(imported.__all__) == EXPORTS[module].split()
    for name in imported.__all__:
        assert getattr(imported, name) is not None
