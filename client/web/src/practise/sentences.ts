export const SENTENCES: Record<string,string> = {A: "A fist with the thumb beside the index finger."};
