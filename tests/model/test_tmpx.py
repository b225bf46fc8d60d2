def test_x(real_texts, model, reference):
    import numpy as np, time
    from collections import Counter
    model.max_seq_length=512
    ids,tr=model.tokenizer(real_texts); model.max_seq_length=256
    L=np.array([len(i) for i in ids]); print(np.percentile(L,[0,1,10,25,50,75,90,99,100]), tr, len(set(L.tolist())), len(set(real_texts)))
    t=time.time(); a=model.encode(real_texts); print("ours", time.time()-t)
    t=time.time(); b=reference.encode(real_texts, show_progress_bar=False); print("ref", time.time()-t, abs(a-b).max())
