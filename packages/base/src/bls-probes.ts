/**
 * BLS signatures over one message with what the rule of `bls.ts` says of each, those among them on which implementations
 * differ or forget a check. A form of the curve is taken only if it gives these answers; the tests make the table again.
 */

export interface BlsProbe {
  readonly name: string;
  /** Hexadecimal, as are `keys`. */
  readonly signature: string;
  readonly keys: readonly string[];
  readonly valid: boolean;
}

/** What every probe signs, as UTF-8. */
export const probeBlsMessage = "stoa";

export const blsProbes: {
  /** The seeds of the honest keys: 32 bytes of each value. */
  readonly seedBytes: readonly number[];
  readonly keys: readonly string[];
  readonly signatures: readonly string[];
  readonly aggregate: string;
  readonly cases: readonly BlsProbe[];
} = {
  seedBytes: [7, 8, 9],
  keys: [
    "a8c7d1e537ca935cb695733a8d6d4b22ec8024344b7dcc7329f7ebca8e162d7dbdf75fbd1cc49377d531862bfc6ebf8b",
    "8b815bcd015d15c3ceaad8e9fe2e0057abbf32eb1d979b9f3be5a36cd0dd636df342ef8ebd1b8ae0ade0eb7af83120b7",
    "86dff3ea41ae02ac562912921483bfdff7918e204a0f2eeeaa3689b684ca37a7beb7fcfa68363eb03782399665ea4020",
  ],
  signatures: [
    "8678f68c738b580a8cb6c87fa50dc0175938cfa6e4bad9d01e9300bb6369ce6b7675f1e250c71750e51a2e850d1b708c12e533c51e252705b7c9e87f04cb4229dca911c320b80e22d5183b54423583ca4aba168b2edc41f2e27cead35d220090",
    "a5b5c7b7f7b2463772712535a2950d9c9d71f41a1e68c09893cc7f85c478406deb865cd1b4c760f9db1d5ea8bcc53e4006cc4cdb04909de186103ae9bc06dec798a7aaa0d3ba4c4f6fb05c7f3a1d627026caaa16a9df9a4f2374d548cf71e7a0",
    "b51209fe134ebecbd6bc9db080c00e328da7931ed8cecc7282dd8144e334085cb1ad9f22c1262998cb871ad942b25a2502f72417bf7d7dbe37841fe4d9d0557f40078a46e7c303c1266ee6b240ea33524797141669dd8eae9cf55d1c29d71359",
  ],
  aggregate:
    "b047a32c3685adcb17aad057ed0f32396acf2aa0434e6dfce46c1871a70f8e7420048b82828558769ae9074d92be4baa177bf734b68aa8d2fdbeb1b46261c52e3f2380f73f5194b8eaedcca3878eadbeea19f32a99c8b9f4e2417649aedc962c",
  cases: [
    {
      name: "an honest aggregate of three",
      signature:
        "b047a32c3685adcb17aad057ed0f32396acf2aa0434e6dfce46c1871a70f8e7420048b82828558769ae9074d92be4baa177bf734b68aa8d2fdbeb1b46261c52e3f2380f73f5194b8eaedcca3878eadbeea19f32a99c8b9f4e2417649aedc962c",
      keys: [
        "a8c7d1e537ca935cb695733a8d6d4b22ec8024344b7dcc7329f7ebca8e162d7dbdf75fbd1cc49377d531862bfc6ebf8b",
        "8b815bcd015d15c3ceaad8e9fe2e0057abbf32eb1d979b9f3be5a36cd0dd636df342ef8ebd1b8ae0ade0eb7af83120b7",
        "86dff3ea41ae02ac562912921483bfdff7918e204a0f2eeeaa3689b684ca37a7beb7fcfa68363eb03782399665ea4020",
      ],
      valid: true,
    },
    {
      name: "an aggregate under one key too few",
      signature:
        "b047a32c3685adcb17aad057ed0f32396acf2aa0434e6dfce46c1871a70f8e7420048b82828558769ae9074d92be4baa177bf734b68aa8d2fdbeb1b46261c52e3f2380f73f5194b8eaedcca3878eadbeea19f32a99c8b9f4e2417649aedc962c",
      keys: [
        "8b815bcd015d15c3ceaad8e9fe2e0057abbf32eb1d979b9f3be5a36cd0dd636df342ef8ebd1b8ae0ade0eb7af83120b7",
        "86dff3ea41ae02ac562912921483bfdff7918e204a0f2eeeaa3689b684ca37a7beb7fcfa68363eb03782399665ea4020",
      ],
      valid: false,
    },
    {
      name: "an infinite signature under keys that cancel",
      signature:
        "c00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
      keys: [
        "a8c7d1e537ca935cb695733a8d6d4b22ec8024344b7dcc7329f7ebca8e162d7dbdf75fbd1cc49377d531862bfc6ebf8b",
        "88c7d1e537ca935cb695733a8d6d4b22ec8024344b7dcc7329f7ebca8e162d7dbdf75fbd1cc49377d531862bfc6ebf8b",
      ],
      valid: false,
    },
    {
      name: "an infinite key beside a good one",
      signature:
        "8678f68c738b580a8cb6c87fa50dc0175938cfa6e4bad9d01e9300bb6369ce6b7675f1e250c71750e51a2e850d1b708c12e533c51e252705b7c9e87f04cb4229dca911c320b80e22d5183b54423583ca4aba168b2edc41f2e27cead35d220090",
      keys: [
        "a8c7d1e537ca935cb695733a8d6d4b22ec8024344b7dcc7329f7ebca8e162d7dbdf75fbd1cc49377d531862bfc6ebf8b",
        "c00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
      ],
      valid: false,
    },
    {
      name: "the negated signature",
      signature:
        "a678f68c738b580a8cb6c87fa50dc0175938cfa6e4bad9d01e9300bb6369ce6b7675f1e250c71750e51a2e850d1b708c12e533c51e252705b7c9e87f04cb4229dca911c320b80e22d5183b54423583ca4aba168b2edc41f2e27cead35d220090",
      keys: ["a8c7d1e537ca935cb695733a8d6d4b22ec8024344b7dcc7329f7ebca8e162d7dbdf75fbd1cc49377d531862bfc6ebf8b"],
      valid: false,
    },
    {
      name: "a signature on the curve and outside the group",
      signature:
        "800000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000002",
      keys: ["a8c7d1e537ca935cb695733a8d6d4b22ec8024344b7dcc7329f7ebca8e162d7dbdf75fbd1cc49377d531862bfc6ebf8b"],
      valid: false,
    },
    {
      name: "an honest signature with a part outside the group",
      signature:
        "97972bcd561341479fc7a84ceff16d11ff083447ff4a17c6bc3221a4f443d69b98036c914fab8b673039e453d2353fe71906eca5c66c4b3bf027d3dfc349de091f301054ab9be3e11498c24df63984ea24eb592da456be3c6d0b7d69e23e2055",
      keys: ["a8c7d1e537ca935cb695733a8d6d4b22ec8024344b7dcc7329f7ebca8e162d7dbdf75fbd1cc49377d531862bfc6ebf8b"],
      valid: false,
    },
    {
      name: "an honest key with a part outside the group",
      signature:
        "8678f68c738b580a8cb6c87fa50dc0175938cfa6e4bad9d01e9300bb6369ce6b7675f1e250c71750e51a2e850d1b708c12e533c51e252705b7c9e87f04cb4229dca911c320b80e22d5183b54423583ca4aba168b2edc41f2e27cead35d220090",
      keys: ["865861d6beabe35943d219d8cba3589c33883ae907db61d5402c92259b7a5f99edd74a740015c20558206f7d49c59413"],
      valid: false,
    },
    {
      name: "a key on the curve and outside the group",
      signature:
        "8678f68c738b580a8cb6c87fa50dc0175938cfa6e4bad9d01e9300bb6369ce6b7675f1e250c71750e51a2e850d1b708c12e533c51e252705b7c9e87f04cb4229dca911c320b80e22d5183b54423583ca4aba168b2edc41f2e27cead35d220090",
      keys: ["800000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000004"],
      valid: false,
    },
    {
      name: "a signature whose x is not reduced",
      signature:
        "849cce65e5ed8ba7d1493904a2bac1066b6bc42c6c55693c0b22563e56ceecb38e4fed97d64ffe2731be4dd995b829671d0e7bdb5760404ce7008a7509e5d5ca451e849842f78aaf6a82fdf192a449a4551c496150ab155a4bf6076d8d07e289",
      keys: ["a39bf82047b4ed2a2c5506887e77934680baa78a2519642a287a89749c76c01ce14c6f83637ea77afb63abd212f5978a"],
      valid: false,
    },
    {
      name: "a key whose x is not reduced",
      signature:
        "849cce65e5ed8ba7d1493904a2bac1066b6bc42c6c55693c0b22563e56ceecb38e4fed97d64ffe2731be4dd995b82967030d69f11de059b29be4e2bec69a28f2e0a739134f7277f003522b509bf35380367049629f57155a91f7076d8d0837de",
      keys: ["bd9d0a0a8134d3c47770ae3ec1c3401de531f30f189e76e98fab5c159327b640fff86f8214d2a77ab562abd212f54235"],
      valid: false,
    },
    {
      name: "a signature in 192 bytes",
      signature:
        "0678f68c738b580a8cb6c87fa50dc0175938cfa6e4bad9d01e9300bb6369ce6b7675f1e250c71750e51a2e850d1b708c12e533c51e252705b7c9e87f04cb4229dca911c320b80e22d5183b54423583ca4aba168b2edc41f2e27cead35d22009004edfbc989d7a4cb6bddca167e9f7c93a7639b29a2a911b2476379002c1218b46b0ccf8786055b911bc53147a22969890071825c8f100c77cf9c6258ac1d4dbf35ec612fb347375a86210dabefd81d06864ec14a3cafdce15b40b8123395607c",
      keys: ["a8c7d1e537ca935cb695733a8d6d4b22ec8024344b7dcc7329f7ebca8e162d7dbdf75fbd1cc49377d531862bfc6ebf8b"],
      valid: false,
    },
    {
      name: "a signature of another message",
      signature:
        "a56e890de0edddf6cbbcd690f86f68944e078def33165c0f672c9ca185980cf05a00fcbddbcbfc2840bfb2c8b31e488e148e4f90d3ce564c829148d435cbbbfe9d9836208b5a9edb9cac9b66cc9f82ba8a5da5e777dcd16b8f5baa1927903610",
      keys: ["a8c7d1e537ca935cb695733a8d6d4b22ec8024344b7dcc7329f7ebca8e162d7dbdf75fbd1cc49377d531862bfc6ebf8b"],
      valid: false,
    },
  ],
};
