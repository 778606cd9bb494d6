// One decoded picture (NV12, or P016 with the samples in the high bits) to displayed RGB.
// One source and two builds: NVRTC for a GPU, and any C++ compiler, where the kernel becomes a plain loop.
// `conversion.py` says the same in array arithmetic.

#ifdef __CUDACC__
#define DEVICE static __device__ __forceinline__
#define KERNEL(name, parameters, call)                                          \
    extern "C" __global__ void name parameters {                                \
        int i = blockIdx.x * blockDim.x + threadIdx.x;                          \
        if (i < height * width) call;                                           \
    }
#else
#define DEVICE static inline
#define KERNEL(name, parameters, call)                                          \
    extern "C" void name parameters {                                           \
        for (int i = 0; i < height * width; ++i) call;                          \
    }
#endif

typedef unsigned char Byte;

DEVICE float sample(const Byte* at, int is_deep) {
    return is_deep ? *(const unsigned short*)at * (1.f / 256.f) : (float)*at;
}

DEVICE Byte level(float value) { return (Byte)(value < 0.f ? 0.f : value > 255.f ? 255.f : value + 0.5f); }

// Where the pixel at (row, column) of the coded picture is displayed, counted in pixels.
DEVICE int displayed(int row, int column, int height, int width, int turns) {
    if (turns == 1) return column * height + (height - 1 - row);
    if (turns == 2) return (height - 1 - row) * width + (width - 1 - column);
    if (turns == 3) return (width - 1 - column) * height + row;
    return row * width + column;
}

// how: luma offset and gain, then the parts of V in red, U and V in green, U in blue.
DEVICE void convert(int i, const Byte* luma, const Byte* chroma, Byte* rgb, int height, int width, int pitch,
                    int is_deep, int turns, float offset, float gain, float red_v, float green_u, float green_v,
                    float blue_u) {
    int row = i / width, column = i % width, bytes = 1 + is_deep;
    const Byte* uv = chroma + (long long)(row / 2) * pitch + (column / 2) * 2 * bytes;
    float y = (sample(luma + (long long)row * pitch + column * bytes, is_deep) - offset) * gain;
    float u = sample(uv, is_deep) - 128.f, v = sample(uv + bytes, is_deep) - 128.f;
    Byte* pixel = rgb + 3ll * displayed(row, column, height, width, turns);
    pixel[0] = level(y + red_v * v);
    pixel[1] = level(y + green_u * u + green_v * v);
    pixel[2] = level(y + blue_u * u);
}

KERNEL(to_rgb,
       (const Byte* luma, const Byte* chroma, Byte* rgb, int height, int width, int pitch, int is_deep, int turns,
        float offset, float gain, float red_v, float green_u, float green_v, float blue_u),
       convert(i, luma, chroma, rgb, height, width, pitch, is_deep, turns, offset, gain, red_v, green_u, green_v,
               blue_u))
