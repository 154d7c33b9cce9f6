"""What goes out about WeChat."""

from pydantic import Field

from app.core.schemas import Reply


class SignatureOut(Reply):
    """What a page gives to `wx.config` of WeChat's script."""

    app_id: str = Field(description="The official account's.", examples=["wx0123456789abcdef"])
    timestamp: int = Field(description="Seconds since 1970.", examples=[1414587457])
    nonce: str = Field(description="Goes in as `nonceStr`.", examples=["b1946ac92492d234"])
    signature: str = Field(
        description="SHA-1 over ticket, nonce, timestamp and address.",
        examples=["0f9de62fce790f9a083d5c99e95740ceb90c27ed"],
    )
